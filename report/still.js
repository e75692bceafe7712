// SPDX-License-Identifier: MIT
// Charts that are not against time in columns: distribution, percentiles, and offsets.
function histogramOf(trace, metric, classes) {
	const cells = new Map();
	let total = 0, max = 0, min = Infinity;
	for (const [name, histogram] of Object.entries(trace.histograms[metric] || {}))
		if (classes.has(name)) {
			for (let at = 0; at < histogram.cells.length; at += 2)
				cells.set(histogram.cells[at], (cells.get(histogram.cells[at]) || 0) + histogram.cells[at + 1]);
			total += histogram.count;
			max = Math.max(max, histogram.max);
			min = Math.min(min, histogram.min);
		}
	return {cells: [...cells].sort((one, two) => one[0] - two[0]), total, max, min};
}

function quantile(histogram, part) {
	let left = Math.max(1, Math.ceil(histogram.total * part));
	if (left === histogram.total)
		return histogram.max;
	for (const [cell, count] of histogram.cells) {
		left -= count;
		if (left <= 0)
			return Math.min(Math.max((bucketLow(cell * 8) + bucketLow(cell * 8 + 8)) / 2,
				histogram.min), histogram.max);
	}
	return histogram.max;
}

// Counts of 1/8 octave.
function bars(histogram) {
	const found = new Map();
	for (const [cell, count] of histogram.cells)
		found.set(cell >> 3, (found.get(cell >> 3) || 0) + count);
	return [...found].sort((one, two) => one[0] - two[0]);
}

function histogramChart(trace) {
	let parts;
	return {
		peak: (plot, view) => Math.max(0, ...CLASSES.filter(name => view.classes.has(name)).map(name =>
			bars(histogramOf(trace, view.metric, new Set([name]))).reduce(
				(most, [cell, count]) => Math.max(most, count), 0))),
		draw(plot, view) {
			const names = CLASSES.filter(name => view.classes.has(name));
			parts = names.map(name => [name, bars(histogramOf(trace, view.metric, new Set([name])))])
				.filter(([name, found]) => found.length);
			const whole = histogramOf(trace, view.metric, view.classes);
			plot.x = latencyScale(view);
			plot.y = logarithmic(0.7, Math.max(view.peak('histogram'), 2) * 2);
			plot.axes(logTicks(plot.x.low, plot.x.high), timeTick, logTicks(1, plot.y.high), countTick);
			plot.clipped(context => {
				for (const [name, found] of parts)
					this.area(plot, context, colour(name), found);
				if (whole.total)
					this.lines(plot, context, whole);
			});
			plot.legend(parts.map(([name]) => [name, name]));
			plot.scale(whole.total ? number(whole.total) + ' requests, a bar is 1/8 octave' : '');
			if (!whole.total)
				plot.empty('no finished request');
		},
		area(plot, context, style, found) {
			context.fillStyle = context.strokeStyle = style;
			context.lineWidth = 1;
			for (const [cell, count] of found) {
				const left = plot.px(bucketLow(cell * 64)), right = plot.px(bucketLow(cell * 64 + 64));
				const top = plot.py(count), bottom = plot.py(plot.y.low);
				context.globalAlpha = 0.45;
				context.fillRect(left, top, right - left, bottom - top);
				context.globalAlpha = 1;
				plot.stroke([[left, top], [right, top]]);
			}
		},
		lines(plot, context, whole) {
			context.textBaseline = 'top';
			context.textAlign = 'left';
			context.setLineDash([3, 3]);
			context.lineWidth = 1;
			context.strokeStyle = context.fillStyle = colour('ink');
			const values = [['p50', quantile(whole, 0.5)], ['p99', quantile(whole, 0.99)], ['max', whole.max]];
			let last = -Infinity, row = 0;
			for (const [name, value] of values) {
				const x = plot.px(value), text = name + ' ' + duration(value);
				const width = context.measureText(text).width, right = x + width + 4 > plot.width - RIGHT;
				row = x < last + 8 || right ? row + 1 : 0;
				plot.stroke([[x, TOP], [x, plot.height - BOTTOM]]);
				context.fillText(text, right ? x - width - 4 : x + 4, TOP + 13 * row);
				last = x + width;
			}
			context.setLineDash([]);
		},
		tell(plot, x) {
			const ns = plot.x.value(x), lines = [];
			let cell = -1;
			for (const [name, found] of parts)
				for (const [at, count] of found)
					if (ns >= bucketLow(at * 64) && ns < bucketLow(at * 64 + 64)) {
						cell = at;
						lines.push(name + ' ' + number(count));
					}
			return lines.length ? [duration(bucketLow(cell * 64)) + ' to ' +
				duration(bucketLow(cell * 64 + 64)), ...lines] : null;
		},
	};
}

// Distance from 100 %: 90 % is 1, 99 % is 2.
const nines = part => -Math.log10(1 - part);

function percentileChart() {
	let curves;
	return {
		draw(plot, view) {
			curves = [];
			view.traces.forEach((trace, which) => ['done', 'reap'].forEach(metric => {
				const histogram = histogramOf(trace, metric, view.classes);
				if (histogram.total)
					curves.push({histogram, metric, style: 'ab'[which],
						name: (view.traces.length > 1 ? 'AB'[which] + ', ' : '') + 'submit → ' + metric});
			}));
			const most = Math.max(2, ...curves.map(one => Math.log10(one.histogram.total)));
			const low = Math.min(...curves.map(one => Math.max(one.histogram.min, 10)), 1e6);
			const high = Math.max(...curves.map(one => one.histogram.max), 2e3);
			plot.x = linear(0, most);
			plot.y = logarithmic(low / 1.15, high * 1.25);
			const ticks = [0.5];
			for (let power = 1; power <= most; power++)
				ticks.push(1 - Math.pow(10, -power));
			plot.axes(ticks.map(nines), at => 'p' + Number((100 * (1 - Math.pow(10, -at))).toFixed(8)),
				logTicks(plot.y.low, plot.y.high), timeTick);
			plot.clipped(context => curves.forEach(one => {
				context.setLineDash(one.metric === 'reap' ? [4, 4] : []);
				plot.lines([this.points(plot, one.histogram)], colour(one.style), 1.8);
				context.setLineDash([]);
			}));
			plot.legend(curves.map(one => [one.name, one.style, one.metric === 'reap' ? '┄' : '━']));
			if (!curves.length)
				plot.empty('no finished request');
		},
		points(plot, histogram) {
			const found = [];
			let seen = 0;
			for (const [cell, count] of histogram.cells) {
				const value = Math.min(Math.max((bucketLow(cell * 8) + bucketLow(cell * 8 + 8)) / 2,
					histogram.min), histogram.max);
				found.push([plot.px(nines(seen / histogram.total)), plot.py(value)]);
				seen += count;
			}
			found.push([plot.px(Math.log10(histogram.total)), plot.py(histogram.max)]);
			return found;
		},
		tell(plot, x) {
			const part = 1 - Math.pow(10, -plot.x.value(x));
			if (part < 0 || !curves.length)
				return null;
			return ['p' + (100 * part).toFixed(Math.max(0, Math.ceil(plot.x.value(x)))),
				...curves.map(one => one.name + ': ' + duration(quantile(one.histogram, part)))];
		},
	};
}

function offsetsChart(trace, file) {
	const grid = trace.files[file], cells = grid.cells;
	const most = Math.max(...[0, 1].map(kind => {
		let found = 1;
		for (let at = 0; at < cells.length; at += 4)
			if (cells[at + 2] === kind)
				found = Math.max(found, cells[at + 3]);
		return found;
	}));
	const least = cells.length < 4 * 2000 ? 4 : 2;
	let box;
	const twin = at => at >= 0 && at < cells.length && cells[at + 2] < 2 ? cells[at] + ' ' + cells[at + 1] : null;
	// where reads and writes share a cell, each has a half
	function side(at, view) {
		const kind = cells[at + 2], other = kind === 0 ? at + 4 : at - 4;
		const shared = kind < 2 && view.classes.has(KINDS[1 - kind]) && cells[other + 2] === 1 - kind &&
			twin(other) === twin(at);
		return shared ? kind === 0 ? -1 : 1 : 0;
	}
	function place(plot, at) {
		const left = plot.px(grid.begin + cells[at] * grid.width);
		const right = plot.px(grid.begin + (cells[at] + 1) * grid.width);
		const bottom = plot.py(grid.low + cells[at + 1] * grid.height);
		const top = plot.py(grid.low + (cells[at + 1] + 1) * grid.height);
		return {x: (left + right) / 2, y: (top + bottom) / 2,
			width: Math.max(least, right - left), height: Math.max(least, bottom - top)};
	}
	return {
		draw(plot, view) {
			const grids = view.traces.map(one => one.files[file]).filter(one => one);
			const first = Math.min(...grids.map(one => one.first));
			const last = Math.max(...grids.map(one => one.last));
			const pad = (last - first || 1) * 0.03;
			plot.y = linear(first - pad, last + pad);
			timeAxes(plot, trace, view, linearTicks(first, last, 5, true), sizeTick);
			box = [];
			plot.clipped(context => KINDS.forEach((kind, which) => {
				if (which < 2 && !view.classes.has(kind))
					return;
				context.fillStyle = colour(kind);
				for (let at = 0; at < cells.length; at += 4)
					if (cells[at + 2] === which)
						this.cell(plot, context, at, side(at, view));
				context.globalAlpha = 1;
			}));
			const seen = KINDS.filter((kind, which) => this.any(which));
			plot.legend(seen.map(kind => [SHAPES[kind] ? MARK_NAMES[kind] : kind, kind, SHAPES[kind]]));
			plot.scale('a mark stands for ' + (most > 1 ? 'up to ' + number(most) + ' requests' : '1 request'));
		},
		any(which) {
			for (let at = 2; at < cells.length; at += 4)
				if (cells[at] === which)
					return true;
			return false;
		},
		cell(plot, context, at, half) {
			const {x, y, width, height} = place(plot, at), kind = KINDS[cells[at + 2]];
			if (x < LEFT - width || x > plot.width)
				return;
			box.push([x, y, width, height, at]);
			if (SHAPES[kind]) {
				plot.mark(kind, x, y);
				return;
			}
			context.globalAlpha = most > 1 ? 0.2 + 0.65 * Math.log(1 + cells[at + 3]) / Math.log(1 + most) : 0.8;
			context.fillRect(half > 0 ? x : x - width / 2, y - height / 2, half ? width / 2 : width, height);
		},
		tell(plot, x, y) {
			const px = plot.px(plot.x.value(x)), py = plot.py(plot.y.value(y));
			let best = null, nearest = 8;
			for (const [left, top, width, height, at] of box) {
				const far = Math.max(Math.abs(left - px) - width / 2, Math.abs(top - py) - height / 2);
				if (far < nearest || far === nearest && cells[at + 2] > 1) {
					nearest = far;
					best = at;
				}
			}
			if (best === null)
				return null;
			const kind = KINDS[cells[best + 2]];
			return [MARK_NAMES[kind] ? marked(kind, cells[best + 3]) : number(cells[best + 3]) + ' ' + kind,
				'at ' + duration(Math.max(0, grid.begin + cells[best] * grid.width)),
				'offset ' + size(grid.low + cells[best + 1] * grid.height) +
				(grid.height > 1 ? ' + ' + size(grid.height) : '')];
		},
	};
}
