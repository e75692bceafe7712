// SPDX-License-Identifier: MIT
// A canvas with axes. Charts draw into its area by the scales x and y.
const LEFT = 66, RIGHT = 14, TOP = 10, BOTTOM = 24;

class Plot {
	constructor(figure) {
		this.figure = figure;
		this.canvas = figure.querySelector('.plot canvas');
		this.line = document.createElement('div');
		this.line.className = 'line';
		this.line.hidden = true;
		this.canvas.parentNode.append(this.line);
	}

	// Clears; everything after it is in CSS pixels.
	begin() {
		const ratio = window.devicePixelRatio || 1;
		this.width = this.canvas.clientWidth;
		this.height = this.canvas.clientHeight;
		this.canvas.width = Math.round(this.width * ratio);
		this.canvas.height = Math.round(this.height * ratio);
		this.context = this.canvas.getContext('2d');
		this.context.scale(ratio, ratio);
		this.context.font = '11px system-ui, sans-serif';
		this.inner = {width: Math.max(1, this.width - LEFT - RIGHT), height: this.height - TOP - BOTTOM};
	}

	px(value) {
		return LEFT + this.x.share(value) * this.inner.width;
	}

	py(value) {
		return TOP + (1 - this.y.share(value)) * this.inner.height;
	}

	axes(xTicks, xText, yTicks, yText) {
		const context = this.context;
		context.strokeStyle = colour('grid');
		context.fillStyle = colour('muted');
		context.lineWidth = 1;
		context.textBaseline = 'middle';
		context.textAlign = 'right';
		let free = Infinity;
		for (const tick of yTicks) {
			const y = Math.round(this.py(tick)) + 0.5;
			this.stroke([[LEFT, y], [this.width - RIGHT, y]]);
			if (y < free - 12) {
				context.fillText(yText(tick), LEFT - 7, y);
				free = y;
			}
		}
		context.textBaseline = 'top';
		context.textAlign = 'center';
		free = -Infinity;
		for (const tick of xTicks) {
			const x = Math.round(this.px(tick)) + 0.5, text = xText(tick);
			const half = context.measureText(text).width / 2;
			const middle = Math.min(x, this.width - half - 1);
			this.stroke([[x, TOP], [x, this.height - BOTTOM]]);
			if (middle - half > free + 8) {
				context.fillText(text, middle, this.height - BOTTOM + 7);
				free = middle + half;
			}
		}
	}

	stroke(points) {
		const context = this.context;
		context.beginPath();
		points.forEach((point, index) => index ? context.lineTo(...point) : context.moveTo(...point));
		context.stroke();
	}

	// What a chart draws must not cover the axes.
	clipped(draw) {
		const context = this.context;
		context.save();
		context.beginPath();
		context.rect(LEFT, 0, this.inner.width, this.height - BOTTOM);
		context.clip();
		draw(context);
		context.restore();
	}

	// runs: lists of [x, y] without a gap. A lone point is a dot.
	lines(runs, style, width) {
		const context = this.context;
		context.strokeStyle = context.fillStyle = style;
		context.lineWidth = width;
		context.lineJoin = 'round';
		for (const run of runs)
			if (run.length === 1)
				this.dot(run[0][0], run[0][1], Math.max(1.5, width));
			else
				this.stroke(run);
	}

	// Between two runs of the same points.
	band(upper, lower, style, alpha) {
		const context = this.context;
		context.fillStyle = style;
		context.globalAlpha = alpha;
		upper.forEach((run, index) => {
			context.beginPath();
			run.forEach(point => context.lineTo(...point));
			lower[index].slice().reverse().forEach(point => context.lineTo(...point));
			context.fill();
		});
		context.globalAlpha = 1;
	}

	dot(x, y, radius) {
		this.context.beginPath();
		this.context.arc(x, y, radius, 0, 2 * Math.PI);
		this.context.fill();
	}

	// Marks differ in shape too.
	mark(kind, x, y) {
		const context = this.context;
		context.lineWidth = 2;
		context.strokeStyle = context.fillStyle = colour(kind);
		if (kind === 'error') {
			this.stroke([[x - 4, y - 4], [x + 4, y + 4]]);
			this.stroke([[x - 4, y + 4], [x + 4, y - 4]]);
		} else if (kind === 'fault') {
			context.beginPath();
			[[x, y - 5], [x + 5, y + 4], [x - 5, y + 4]].forEach(point => context.lineTo(...point));
			context.fill();
		} else if (kind === 'unfinished') {
			context.beginPath();
			context.arc(x, y, 4, 0, 2 * Math.PI);
			context.stroke();
		} else {
			this.stroke([[x - 4, y], [x + 4, y]]);
		}
	}

	empty(text) {
		const context = this.context;
		context.fillStyle = colour('muted');
		context.textAlign = 'center';
		context.textBaseline = 'middle';
		context.fillText(text, LEFT + this.inner.width / 2, TOP + this.inner.height / 2);
	}

	scale(text) {
		this.figure.querySelector('.scale').textContent = text;
	}

	// entries: [text, name of a colour] or [text, name, shape of a mark]
	legend(entries) {
		const home = this.figure.querySelector('.legend');
		home.replaceChildren(...entries.map(([text, name, shape]) => {
			const entry = document.createElement('span'), key = document.createElement('i');
			if (shape)
				key.style.width = 'auto';
			else
				key.style.background = colour(name);
			key.style.color = colour(name);
			key.style.fontStyle = 'normal';
			key.textContent = shape || '';
			entry.append(key, text);
			return entry;
		}));
	}
}

const SHAPES = {error: '×', fault: '▲', unfinished: '○', short: '–'};
const MARK_NAMES = {error: 'error', fault: 'injected fault', unfinished: 'unfinished', short: 'short result'};
