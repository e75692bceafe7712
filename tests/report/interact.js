// SPDX-License-Identifier: MIT
// Put into a page by report_browser.sh in place of its policy: uses the page as people do and writes
// what came of it into data-found, a word each; what is missing did not work.
// without a screen there are hardly any frames
window.requestAnimationFrame = draw => setTimeout(draw, 0);
window.cancelAnimationFrame = clearTimeout;
addEventListener('load', async () => {
	const found = [], root = document.documentElement;
	const frame = () => new Promise(done => setTimeout(done, 20));
	const canvas = kind => document.querySelector('[data-chart="' + kind + '"] canvas');
	const tip = document.getElementById('tip');
	const scale = kind => document.querySelector('[data-chart="' + kind + '"] .scale').textContent;
	const note = (word, holds) => holds && found.push(word);
	const send = (target, type, x, y, more) => target.dispatchEvent(new PointerEvent(type, Object.assign({
		clientX: target.getBoundingClientRect().left + x, clientY: target.getBoundingClientRect().top + y,
		bubbles: true, button: 0, pointerId: 1}, more)));
	const press = (target, key) => target.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
	// a made pointer cannot be captured
	Element.prototype.setPointerCapture = () => {};
	try {
		for (const kind of ['latency', 'heat', 'histogram', 'percentiles', 'rate', 'depth', 'offsets']) {
			const target = canvas(kind);
			let told = '';
			for (let x = 70; x < target.clientWidth && !told; x += 7)
				for (let y = 12; y < target.clientHeight - 24 && !told; y += 5) {
					send(target, 'pointermove', x, y);
					told = tip.hidden ? '' : tip.textContent;
				}
			note(kind, told && !/NaN|undefined|Infinity/.test(told));
			send(target, 'pointerleave', 0, 0);
			note('quiet', tip.hidden);
		}
		const latency = canvas('latency'), before = scale('heat');
		send(latency, 'pointerdown', 200, 50);
		send(latency, 'pointermove', 260, 50);
		send(latency, 'pointerup', 260, 50);
		await frame();
		note('zoomed', scale('heat') !== before && !document.getElementById('reset').disabled);
		document.getElementById('reset').click();
		await frame();
		note('reset', scale('heat') === before);
		press(latency, 'ArrowRight');
		note('read', !tip.hidden);
		press(latency, '+');
		press(latency, '+');
		await frame();
		note('keys', scale('heat') !== before);
		press(latency, '0');
		await frame();
		note('whole', scale('heat') === before);
		const total = scale('histogram');
		document.querySelector('[data-choice="classes"] button').click();
		await frame();
		note('classes', scale('histogram') !== total);
		document.querySelectorAll('[data-choice="classes"] button').forEach(button =>
			button.getAttribute('aria-pressed') === 'true' && button.click());
		await frame();
		note('none', scale('histogram') === '');
		for (const value of ['reap', 'bytes', 'own'])
			document.querySelector('button[data-value="' + value + '"]').click();
		await frame();
		note('buttons', document.querySelectorAll('[aria-pressed="true"]').length === 3);
	} catch (error) {
		found.push(error.message);
	}
	root.dataset.found = [...new Set(found)].join(' ');
});
