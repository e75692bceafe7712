// SPDX-License-Identifier: MIT
// Each chart is {kind, draw(plot, view), tell(plot, x, y)}; view is what the toolbar has chosen.
const KINDS = ['read', 'write', 'error', 'fault'];

// Undoes the distances of columns.py; step is the number of values of an entry.
function absolute(flat, step) {
	for (let at = step; at < flat.length; at += step)
		flat[at] += flat[at - step];
	return flat;
}

function decode(trace) {
	for (const classes of Object.values(trace.latency))
		for (const table of Object.values(classes)) {
			absolute(table.cells, 3);
			absolute(table.max, 3);
		}
	for (const grid of Object.values(trace.files))
		absolute(grid.cells, 4);
	return trace;
}

function chosen(trace, view) {
	const tables = trace.latency[view.metric] || {};
	return CLASSES.filter(name => view.classes.has(name) && tables[name]).map(name => tables[name]);
}

// The columns in sight, put together so that one has at least `least` pixels.
function group(trace, plot, view, least) {
	const {begin, width, count} = trace.columns, [from, to] = view.range(trace);
	const first = Math.max(0, Math.floor((from - begin) / width));
	const last = Math.min(count, Math.ceil((to - begin) / width));
	const each = plot.inner.width * width / (to - from);
	const step = Math.max(1, Math.ceil(least / each));
	const groups = {first, step, count: Math.max(0, Math.ceil((last - first) / step)), span: width * step};
	groups.of = column => Math.floor((column - first) / step);
	groups.time = index => begin + (first + index * step) * width;
	groups.middle = index => groups.time(index) + groups.span / 2;
	groups.at = time => Math.floor((time - groups.time(0)) / groups.span);
	// the part of it in which there was a trace
	groups.seconds = index => Math.max(Math.min(groups.time(index + 1), trace.span) -
		Math.max(groups.time(index), 0), groups.span / 8) / 1e9;
	return groups;
}

function each(flat, step, groups, visit) {
	for (let at = 0; at < flat.length; at += step) {
		const index = groups.of(flat[at]);
		if (index >= 0 && index < groups.count)
			visit(index, at);
	}
}

// Latencies of each group: counts of cells, and the slowest.
function tally(trace, view, groups) {
	let low = Infinity, high = -1;
	for (const table of chosen(trace, view))
		for (let at = 1; at < table.cells.length; at += 3) {
			low = Math.min(low, table.cells[at]);
			high = Math.max(high, table.cells[at]);
		}
	const rows = Math.max(0, high - low + 1), cells = new Float64Array(rows * groups.count);
	const totals = new Float64Array(groups.count), slowest = new Array(groups.count).fill(null);
	for (const table of chosen(trace, view)) {
		each(table.cells, 3, groups, (index, at) => {
			cells[index * rows + table.cells[at + 1] - low] += table.cells[at + 2];
			totals[index] += table.cells[at + 2];
		});
		each(table.max, 3, groups, (index, at) => {
			if (!slowest[index] || table.max[at + 1] > slowest[index].ns)
				slowest[index] = {ns: table.max[at + 1], id: table.max[at + 2], column: table.max[at]};
		});
	}
	return {low, rows, cells, totals, slowest};
}

function percentile(found, index, part) {
	let left = Math.max(1, Math.ceil(found.totals[index] * part));
	for (let row = 0; row < found.rows; row++) {
		left -= found.cells[index * found.rows + row];
		if (left <= 0) {
			const cell = (found.low + row) * 64;
			return Math.min((bucketLow(cell) + bucketLow(cell + 64)) / 2, found.slowest[index].ns);
		}
	}
	return found.slowest[index].ns;
}

// The range of latency of all traces, so that charts can be compared.
function latencyScale(view) {
	let low = Infinity, high = 0;
	for (const trace of view.traces)
		for (const [name, histogram] of Object.entries(trace.histograms[view.metric] || {}))
			if (view.classes.has(name)) {
				low = Math.min(low, histogram.min);
				high = Math.max(high, histogram.max);
			}
	if (!high)
		return logarithmic(1e3, 1e6);
	low = Math.max(low, 10);
	return logarithmic(low / 1.15, Math.max(high, low * 2) * 1.25);
}

function timeAxes(plot, trace, view, yTicks, yText) {
	plot.x = linear(...view.range(trace));
	plot.axes(linearTicks(...view.range(trace), Math.max(2, plot.inner.width / 90)), timeTick, yTicks, yText);
}

// below: pixels under the lowest latency
function latencyAxes(plot, trace, view, below) {
	const {low, high} = latencyScale(view);
	const share = below / (plot.inner.height - below);
	plot.y = logarithmic(low * Math.pow(high / low, -share), high);
	timeAxes(plot, trace, view, logTicks(low, high), timeTick);
}

// Splits what `value` gives for each group into runs without a gap.
function runs(plot, groups, value) {
	const found = [];
	let run = null;
	for (let index = 0; index < groups.count; index++) {
		const height = value(index);
		if (height === null) {
			run = null;
			continue;
		}
		if (!run)
			found.push(run = []);
		run.push([plot.px(groups.middle(index)), plot.py(height)]);
	}
	return found;
}

function span(groups, index) {
	return duration(Math.max(0, groups.time(index))) + ' + ' + duration(groups.span);
}

// Marks have lanes under the latencies, one for each kind that there is.
const LANE = 11;

function lanes(trace) {
	return ['error', 'fault', 'unfinished', 'short'].filter(kind => trace.marks.some(mark => mark[1] === kind));
}

function marked(kind, count) {
	return number(count) + ' ' + (count === 1 || kind === 'unfinished' ? MARK_NAMES[kind] : MARK_NAMES[kind] + 's');
}

function drawMarks(plot, trace, groups) {
	const counts = {}, last = {}, kinds = lanes(trace);
	for (const [column, kind, count] of trace.marks) {
		const index = groups.of(column);
		if (index < 0 || index >= groups.count)
			continue;
		counts[kind] = (counts[kind] || 0) + count;
		const x = plot.px(trace.columns.begin + (column + 0.5) * trace.columns.width);
		if (x < last[kind] + 3)
			continue;
		last[kind] = x;
		plot.mark(kind, x, plot.height - BOTTOM - 7 - LANE * kinds.indexOf(kind));
	}
	return kinds.filter(kind => counts[kind]).map(kind =>
		[marked(kind, counts[kind]), kind, SHAPES[kind]]);
}

function marksOf(trace, groups, index) {
	return trace.marks.filter(([column]) => groups.of(column) === index).map(([column, kind, count, id]) =>
		marked(kind, count) + (count > 1 ? ', first request ' : ', request ') + id);
}

function latencyChart(trace) {
	let groups, found;
	return {
		draw(plot, view) {
			latencyAxes(plot, trace, view, LANE * Math.max(...view.traces.map(one => lanes(one).length)));
			groups = group(trace, plot, view, 3);
			found = tally(trace, view, groups);
			const total = found.totals.reduce((sum, count) => sum + count, 0);
			// a percentile of a handful means nothing: rather fewer, wider columns
			const wanted = Math.max(Math.min(24, groups.count), Math.ceil(total / 25));
			if (groups.count > wanted) {
				groups = group(trace, plot, view, 3 * groups.count / wanted);
				found = tally(trace, view, groups);
			}
			const used = found.totals.filter(count => count).length, average = total / Math.max(1, used);
			let marks = [];
			plot.clipped(context => {
				if (average >= 8)
					this.fan(plot);
				else
					this.points(plot, context, view);
				context.fillStyle = colour('max');
				found.slowest.forEach((slowest, index) => slowest && plot.dot(plot.px(
					trace.columns.begin + (slowest.column + 0.5) * trace.columns.width),
				plot.py(slowest.ns), 1.6));
				marks = drawMarks(plot, trace, groups);
			});
			plot.legend(average >= 8 ? [['p50', 'p50'], ['p90', 'p90'], ['p99', 'p99'],
				['slowest of a column', 'max', '•'], ...marks] : [['requests', 'p90', '•'], ...marks]);
			plot.scale(total ? 'a column is ' + duration(groups.span) + ', ' + amount(average) +
				' requests on average' : '');
			if (!total)
				plot.empty('no finished request');
		},
		fan(plot) {
			const [p50, p90, p99] = [0.5, 0.9, 0.99].map(part => runs(plot, groups, index =>
				found.totals[index] ? percentile(found, index, part) : null));
			plot.band(p90, p50, colour('p90'), 0.4);
			plot.band(p99, p90, colour('p99'), 0.35);
			plot.lines(p99, colour('p99'), 1.2);
			plot.lines(p90, colour('p90'), 1.2);
			plot.lines(p50, colour('p50'), 2);
		},
		// too few for percentiles
		points(plot, context, view) {
			const {begin, width} = trace.columns;
			context.fillStyle = colour('p90');
			for (const table of chosen(trace, view))
				for (let at = 0; at < table.cells.length; at += 3) {
					const cell = table.cells[at + 1] * 64;
					plot.dot(plot.px(begin + (table.cells[at] + 0.5) * width),
						plot.py((bucketLow(cell) + bucketLow(cell + 64)) / 2), 2.2);
				}
		},
		tell(plot, x) {
			const index = groups.at(plot.x.value(x));
			if (!(found.totals[index] > 0))
				return null;
			const {ns, id} = found.slowest[index];
			return ['at ' + span(groups, index) + ': ' + number(found.totals[index]) + ' requests',
				...[0.5, 0.9, 0.99].map(part => 'p' + part * 100 + ' ' +
					duration(percentile(found, index, part))),
				'slowest ' + duration(ns) + ', request ' + id, ...marksOf(trace, groups, index)];
		},
	};
}

function heatChart(trace) {
	let groups, found;
	return {
		draw(plot, view) {
			latencyAxes(plot, trace, view, 0);
			groups = group(trace, plot, view, 2);
			found = tally(trace, view, groups);
			const most = found.cells.reduce((max, count) => Math.max(max, count), 0);
			const ramp = heatRamp();
			plot.clipped(context => found.cells.forEach((count, at) => {
				if (!count)
					return;
				const index = Math.floor(at / found.rows), cell = (found.low + at % found.rows) * 64;
				const left = plot.px(groups.time(index)), right = plot.px(groups.time(index + 1));
				const bottom = plot.py(bucketLow(cell)), top = plot.py(bucketLow(cell + 64));
				context.fillStyle = ramp[most > 1 ? Math.round(63 * Math.log(count) / Math.log(most)) : 63];
				context.fillRect(left, top, Math.max(2, right - left + 0.3), Math.max(2, bottom - top + 0.3));
			}));
			this.legend(plot, most, ramp);
			plot.scale(most ? 'a cell is ' + duration(groups.span) + ' by 1/8 octave' : '');
			if (!most)
				plot.empty('no finished request');
		},
		legend(plot, most, ramp) {
			const strip = document.createElement('canvas'), home = plot.figure.querySelector('.legend');
			strip.width = 64;
			strip.height = 1;
			ramp.forEach((style, index) => {
				const context = strip.getContext('2d');
				context.fillStyle = style;
				context.fillRect(index, 0, 1, 1);
			});
			const text = document.createElement('span');
			if (most > 1)
				text.append('1', strip, number(most) + ' requests in a cell (logarithmic)');
			else
				text.append('1 request in a cell');
			home.replaceChildren(...most ? [text] : []);
		},
		tell(plot, x, y) {
			const index = groups.at(plot.x.value(x)), ns = plot.y.value(y);
			for (let row = 0; row < found.rows; row++) {
				const low = bucketLow((found.low + row) * 64), high = bucketLow((found.low + row + 1) * 64);
				const count = found.cells[index * found.rows + row];
				if (ns >= low && ns < high && count)
					return ['at ' + span(groups, index), duration(low) + ' to ' + duration(high),
						number(count) + (count === 1 ? ' request' : ' requests')];
			}
			return null;
		},
	};
}

function rateChart(trace) {
	const bytes = view => view.rate === 'bytes';
	let groups, sums;
	function add(view, plot) {
		groups = group(trace, plot, view, 3);
		sums = {};
		for (const name of CLASSES) {
			if (!trace.rate[name] || !view.classes.has(name))
				continue;
			const flat = trace.rate[name];
			sums[name] = new Float64Array(groups.count);
			each(flat, 3, groups, (index, at) => {
				sums[name][index] += flat[at + (bytes(view) ? 2 : 1)] / groups.seconds(index);
			});
		}
		let most = 0;
		for (let index = 0; index < groups.count; index++)
			most = Math.max(most, Object.values(sums).reduce((sum, one) => sum + one[index], 0));
		return most;
	}
	return {
		peak: (plot, view) => add(view, plot),
		draw(plot, view) {
			const most = view.peak('rate') || 1;
			add(view, plot);
			this.write = value => (bytes(view) ? size(value) : amount(value)) + '/s';
			plot.y = linear(0, most * 1.05);
			timeAxes(plot, trace, view, linearTicks(0, most * 1.05, 5, bytes(view)),
				bytes(view) ? sizeTick : countTick);
			const below = new Float64Array(groups.count);
			plot.clipped(context => Object.entries(sums).forEach(([name, values]) => {
				context.fillStyle = colour(name);
				values.forEach((value, index) => {
					const left = plot.px(groups.time(index)), right = plot.px(groups.time(index + 1));
					const top = plot.py(below[index] + value);
					context.fillRect(left, top, right - left, plot.py(below[index]) - top);
					below[index] += value;
				});
			}));
			plot.legend(Object.keys(sums).map(name => [name, name]));
			plot.scale('when done, a column is ' + duration(groups.span));
		},
		tell(plot, x) {
			const index = groups.at(plot.x.value(x));
			if (index < 0 || index >= groups.count)
				return null;
			return ['at ' + span(groups, index), ...Object.entries(sums).map(([name, values]) =>
				name + ' ' + this.write(values[index]))];
		},
	};
}

const CURVES = [['flight', 'in flight', 'read'], ['queued', 'queued, not yet started', 'write'],
	['unreaped', 'done, not yet reaped', 'sync'], ['held', 'submitted, not yet reaped', 'other']];

function depthChart(trace) {
	let groups, curves;
	function put(curve) {
		const mean = new Float64Array(groups.count), most = new Float64Array(groups.count);
		curve.mean.forEach((value, column) => {
			const index = groups.of(column);
			if (index >= 0 && index < groups.count) {
				const from = groups.first + index * groups.step;
				mean[index] += value / 100 / Math.min(groups.step, curve.mean.length - from);
				most[index] = Math.max(most[index], curve.max[column]);
			}
		});
		return {mean, most};
	}
	return {
		peak: () => Math.max(0, ...CURVES.map(([name]) =>
			trace.depth[name].max.reduce((most, one) => Math.max(most, one), 0))),
		draw(plot, view) {
			groups = group(trace, plot, view, 3);
			curves = CURVES.map(([name]) => put(trace.depth[name]));
			const most = view.peak('depth') || 1;
			plot.y = linear(0, most * 1.08);
			timeAxes(plot, trace, view, linearTicks(0, most * 1.08, 5).filter(Number.isInteger), countTick);
			plot.clipped(() => CURVES.forEach(([name, text, style], which) => {
				const mean = runs(plot, groups, index => curves[which].mean[index]);
				const high = runs(plot, groups, index => curves[which].most[index]);
				plot.band(high, mean, colour(style), 0.22);
				plot.lines(mean, colour(style), 1.8);
			}));
			plot.legend([...CURVES.map(([name, text, style]) => [text, style]),
				['line: mean, shade: up to the maximum', 'muted', ' ']]);
			plot.scale('a column is ' + duration(groups.span));
		},
		tell(plot, x) {
			const index = groups.at(plot.x.value(x));
			if (index < 0 || index >= groups.count)
				return null;
			return ['at ' + span(groups, index), ...CURVES.map(([name, text], which) =>
				text + ': mean ' + digits(curves[which].mean[index]) + ', max ' +
				number(curves[which].most[index]))];
		},
	};
}
