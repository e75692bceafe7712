// SPDX-License-Identifier: MIT
// Makes the charts, listens to toolbar, pointer and keyboard. The page tells in data-ready how many
// milliseconds after its start everything was drawn, and in data-charts what.
const TIMED = new Set(['latency', 'heat', 'rate', 'depth', 'offsets']);
const root = document.documentElement;
const {traces} = JSON.parse(document.getElementById('data').textContent);
traces.forEach(decode);
const WHOLE = [0, 1];
const longest = Math.max(1, ...traces.map(trace => trace.span));

const view = {
	traces, metric: 'done', rate: 'count', time: 'same', part: WHOLE,
	classes: new Set(traces.flatMap(trace => trace.main)),
	// what is seen of a trace, in ns; part is told in shares of all that can be seen
	range(trace) {
		const all = 1.005 * (view.time === 'same' ? longest : Math.max(1, trace.span));
		return view.part.map(share => share * all);
	},
	// the greatest value of this kind of chart, the same for all traces
	peak(kind) {
		return Math.max(0, ...charts.filter(one => one.kind === kind)
			.map(one => one.chart.peak(one.plot, view)));
	},
};

const MAKE = {
	latency: trace => latencyChart(trace),
	heat: trace => heatChart(trace),
	histogram: trace => histogramChart(trace),
	percentiles: () => percentileChart(),
	rate: trace => rateChart(trace),
	depth: trace => depthChart(trace),
	offsets: (trace, figure) => offsetsChart(trace, figure.dataset.file),
};

const charts = [...document.querySelectorAll('figure[data-chart]')].map(figure => ({
	figure, kind: figure.dataset.chart, plot: new Plot(figure),
	chart: MAKE[figure.dataset.chart](traces[figure.dataset.trace], figure),
}));

function drawAll() {
	// all sizes first: one chart asks for the scale of another
	charts.forEach(one => one.plot.begin());
	charts.forEach(one => {
		one.chart.draw(one.plot, view);
		const label = one.figure.querySelector('figcaption').textContent.replace(/\s+/g, ' ');
		one.plot.canvas.setAttribute('aria-label', label);
	});
	document.getElementById('reset').disabled = view.part === WHOLE;
}

let waiting = 0;
function drawSoon() {
	cancelAnimationFrame(waiting);
	waiting = requestAnimationFrame(drawAll);
}

// from and to: shares of what is seen now, which may be outside of it
function zoom(from, to) {
	const [begin, end] = view.part;
	const part = [from, to].map(share => Math.min(Math.max(begin + share * (end - begin), 0), 1));
	if (part[1] - part[0] < 1e-5)
		return;
	view.part = part[1] - part[0] > 0.999 ? WHOLE : part;
	drawSoon();
}

function zoomOut() {
	view.part = WHOLE;
	drawSoon();
}

// The tip, and a line at the same time in all charts against time.
const tip = document.getElementById('tip');
let cursor = null;

function hideTip() {
	tip.hidden = true;
	charts.forEach(one => { one.plot.line.hidden = true; });
}

function point(one, x, y) {
	const plot = one.plot;
	const across = (x - LEFT) / plot.inner.width, up = 1 - (y - TOP) / plot.inner.height;
	hideTip();
	if (across < 0 || across > 1)
		return;
	cursor = {one, x, y};
	const timed = TIMED.has(one.kind);
	for (const other of charts)
		if (other === one || timed && TIMED.has(other.kind)) {
			const width = other.plot.inner.width;
			other.plot.line.style.left = LEFT + across * width + 'px';
			other.plot.line.hidden = false;
		}
	const lines = one.chart.tell(plot, across, up);
	if (!lines)
		return;
	tip.textContent = lines.join('\n');
	tip.hidden = false;
	const box = plot.canvas.getBoundingClientRect(), size_ = tip.getBoundingClientRect();
	const left = box.left + x + 14 + size_.width > innerWidth ? box.left + x - 14 - size_.width : box.left + x + 14;
	tip.style.left = Math.max(4, left) + 'px';
	tip.style.top = Math.max(4, Math.min(box.top + y + 14, innerHeight - size_.height - 4)) + 'px';
}

function dragging(one) {
	const canvas = one.plot.canvas, shade = document.createElement('div');
	const at = event => Math.min(Math.max(event.clientX - canvas.getBoundingClientRect().left, LEFT),
		LEFT + one.plot.inner.width);
	let from = null;
	shade.className = 'choose';
	shade.hidden = true;
	canvas.parentNode.append(shade);
	canvas.addEventListener('pointerdown', event => {
		if (event.button !== 0)
			return;
		from = at(event);
		canvas.setPointerCapture(event.pointerId);
	});
	canvas.addEventListener('pointermove', event => {
		if (from === null)
			return;
		shade.style.left = Math.min(from, at(event)) + 'px';
		shade.style.width = Math.abs(at(event) - from) + 'px';
		shade.hidden = false;
	});
	const end = event => {
		const to = at(event), share = x => (x - LEFT) / one.plot.inner.width;
		if (from !== null && Math.abs(to - from) > 4 && event.type === 'pointerup')
			zoom(share(Math.min(from, to)), share(Math.max(from, to)));
		shade.hidden = true;
		from = null;
	};
	canvas.addEventListener('pointerup', end);
	canvas.addEventListener('pointercancel', end);
	canvas.addEventListener('dblclick', zoomOut);
}

function key(one, event) {
	const plot = one.plot;
	const here = cursor && cursor.one === one ? cursor : {x: LEFT + plot.inner.width / 2, y: plot.height / 2};
	const moves = {ArrowLeft: [-6, 0], ArrowRight: [6, 0], ArrowUp: [0, -6], ArrowDown: [0, 6]};
	const by = {'+': 0.5, '=': 0.5, '-': 2}[event.key];
	if (moves[event.key]) {
		const [across, down] = moves[event.key], far = event.shiftKey ? 8 : 1;
		const x = Math.min(Math.max(here.x + across * far, LEFT), LEFT + plot.inner.width);
		const y = Math.min(Math.max(here.y + down * far, TOP), plot.height - BOTTOM);
		point(one, x, y);
	} else if (by && TIMED.has(one.kind)) {
		const middle = (here.x - LEFT) / plot.inner.width;
		zoom(middle - middle * by, middle + (1 - middle) * by);
	} else if (event.key === '0') {
		zoomOut();
	} else if (event.key === 'Escape') {
		hideTip();
	} else {
		return;
	}
	event.preventDefault();
}

for (const one of charts) {
	const canvas = one.plot.canvas;
	canvas.addEventListener('pointermove', event => {
		const box = canvas.getBoundingClientRect();
		point(one, event.clientX - box.left, event.clientY - box.top);
	});
	canvas.addEventListener('pointerleave', hideTip);
	canvas.addEventListener('blur', hideTip);
	canvas.addEventListener('keydown', event => key(one, event));
	if (TIMED.has(one.kind))
		dragging(one);
}

function press(choice, is) {
	for (const button of document.querySelectorAll('[data-choice="' + choice + '"] button'))
		button.setAttribute('aria-pressed', String(is(button.dataset.value)));
}

function toolbar() {
	const present = CLASSES.filter(name => traces.some(trace =>
		trace.rate[name] || trace.latency.done && trace.latency.done[name]));
	document.querySelector('[data-choice="classes"]').append(...present.map(name => {
		const button = document.createElement('button');
		button.type = 'button';
		button.textContent = name;
		button.dataset.value = name;
		return button;
	}));
	press('classes', name => view.classes.has(name));
	document.getElementById('tools').addEventListener('click', event => {
		const button = event.target.closest('button'), home = event.target.closest('[data-choice]');
		if (!button)
			return;
		const value = button.dataset.value;
		if (button.id === 'reset')
			view.part = WHOLE;
		else if (home.dataset.choice !== 'classes')
			view[home.dataset.choice] = value;
		else if (!view.classes.delete(value))
			view.classes.add(value);
		if (home && home.dataset.choice !== 'classes')
			press(home.dataset.choice, name => name === value);
		press('classes', name => view.classes.has(name));
		drawSoon();
	});
	document.querySelector('[data-choice="time"]').hidden = traces.length < 2;
	document.getElementById('tools').hidden = false;
}

toolbar();
drawAll();
addEventListener('resize', drawSoon);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawSoon);
addEventListener('beforeprint', drawAll);
root.dataset.charts = charts.map(one => one.kind).join(' ');
root.dataset.ready = Math.round(performance.now());
