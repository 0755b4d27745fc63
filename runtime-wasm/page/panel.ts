/** On narrow screens the panel is a sheet over the page: opened and closed by buttons, closed by Escape, and the focus goes with it. */
import {html} from './dom.js';

export function installPanel(): void {
	const [panel, opener, closer] = [html('panel'), html('details'), html('panel-close')];
	const set = (open: boolean): void => {
		panel.classList.toggle('open', open);
		opener.setAttribute('aria-expanded', String(open));
		// What lies below the sheet is out of reach.
		for (const below of [html('main'), document.querySelector<HTMLElement>('.bar')!]) {
			below.inert = open;
		}

		(open ? closer : opener).focus();
	};

	opener.addEventListener('click', () => {
		set(true);
	});
	closer.addEventListener('click', () => {
		set(false);
	});
	panel.addEventListener('keydown', event => {
		if (event.key === 'Escape' && panel.classList.contains('open')) {
			event.preventDefault();
			set(false);
		}
	});
	// Where the screen grows wide, the sheet becomes a column again.
	matchMedia('(min-width: 861px)').addEventListener('change', ({matches}) => {
		if (matches && panel.classList.contains('open')) {
			set(false);
		}
	});
}
