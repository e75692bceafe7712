// SPDX-License-Identifier: MIT
// Numbers, units, axes and colours. Nothing here knows of a chart.
const CLASSES = ['read', 'write', 'sync', 'other'];

// Buckets of latency are 1/512 octave, see values.py; here they come in 1/64 and 1/8.
function bucketLow(index) {
	if (index < 1024)
		return index;
	const octave = Math.floor(index / 512) - 1;
	return (index - octave * 512) * Math.pow(2, octave);
}

function digits(value) {
	return value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function scaled(value, units, write) {
	for (const [name, size] of units)
		if (value >= size * 0.9995)
			return write(value / size) + '\u00a0' + name;
	const [name, size] = units[units.length - 1];
	return write(value / size) + '\u00a0' + name;
}

const TIME_UNITS = [['s', 1e9], ['ms', 1e6], ['µs', 1e3], ['ns', 1]];
const SIZE_UNITS = [['TiB', Math.pow(2, 40)], ['GiB', Math.pow(2, 30)], ['MiB', Math.pow(2, 20)],
	['KiB', 1024], ['B', 1]];
const plain = value => String(Number(value.toPrecision(6)));
const duration = ns => scaled(ns, TIME_UNITS, ns >= 1000 ? digits : plain);
const size = bytes => scaled(bytes, SIZE_UNITS, bytes >= 1024 ? digits : value => value.toFixed(0));
const number = count => Math.round(count).toString().replace(/\B(?=(\d{3})+$)/g, '\u202f');
const amount = value => value >= 100 || value === Math.round(value) ? number(value) : digits(value);

// Labels of axes: short, exact for round numbers.
const timeTick = ns => ns === 0 ? '0' : scaled(ns, TIME_UNITS, plain);
const sizeTick = bytes => bytes === 0 ? '0' : scaled(bytes, SIZE_UNITS, plain);

function countTick(value) {
	return value >= 1e6 ? plain(value / 1e6) + ' M' : value >= 1e4 ? plain(value / 1e3) + ' k' : plain(value);
}

// About `most` round steps from low to high: 1, 2, 5; for bytes powers of 2.
function linearTicks(low, high, most, binary) {
	const raw = Math.max((high - low) / most, Number.MIN_VALUE);
	let step;
	if (binary && raw >= 1) {
		step = Math.pow(2, Math.ceil(Math.log2(raw)));
	} else {
		const decade = Math.pow(10, Math.floor(Math.log10(raw)));
		step = decade * [1, 2, 5, 10].find(by => by * decade >= raw * 0.999);
	}
	const found = [];
	for (let index = Math.ceil(low / step - 1e-9); index * step <= high * (1 + 1e-9); index++)
		found.push(index * step);
	return found;
}

// Round numbers from low to high: powers of ten, and 2 and 5 between them where they are few.
function logTicks(low, high) {
	const found = [], decades = Math.log10(high / low);
	for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
		for (const by of decades < 1.2 ? [1, 2, 3, 5, 7] : decades < 2.6 ? [1, 2, 5] : [1])
			found.push(by * Math.pow(10, power));
	return found.filter(tick => tick >= low * 0.999 && tick <= high * 1.001);
}

function linear(low, high) {
	const span = high - low || 1;
	return {low, high, share: value => (value - low) / span, value: share => low + share * span};
}

function logarithmic(low, high) {
	const begin = Math.log(low), span = Math.log(high) - begin || 1;
	return {low, high, share: value => (Math.log(Math.max(value, low)) - begin) / span,
		value: share => Math.exp(begin + share * span)};
}

// Colours are the style's, so that both themes have one home.
function colour(name) {
	return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
}

function rgb(hex) {
	return [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
}

// 64 colours from few to many.
function heatRamp() {
	const stops = [0, 1, 2, 3, 4].map(index => rgb(colour('heat' + index)));
	return Array.from({length: 64}, (unused, index) => {
		const place = index / 63 * (stops.length - 1), from = Math.min(Math.floor(place), stops.length - 2);
		const part = place - from;
		return 'rgb(' + stops[from].map((value, channel) =>
			Math.round(value + (stops[from + 1][channel] - value) * part)).join(',') + ')';
	});
}
