/** Small helpers over the document. */

/** An element that the page's markup has. */
export function element<T extends Element>(id: string, kind: abstract new () => T): T {
	const found = document.getElementById(id);
	if (!(found instanceof kind)) {
		throw new TypeError(`no ${kind.name} with id ${id}`);
	}

	return found;
}

export const html = (id: string): HTMLElement => element(id, HTMLElement);

type Content = string | Node;

export function make<K extends keyof HTMLElementTagNameMap>(
	tag: K,
	properties: Partial<HTMLElementTagNameMap[K]> = {},
	...content: readonly Content[]
): HTMLElementTagNameMap[K] {
	const made = Object.assign(document.createElement(tag), properties);
	made.append(...content);
	return made;
}

/** Replaces a list of terms by these. */
export function fillList(list: HTMLElement, rows: ReadonlyArray<readonly [term: string, value: string]>): void {
	list.replaceChildren(...rows.flatMap(([term, value]) => [make('dt', {}, term), make('dd', {}, value)]));
}

export function button(text: string, className: string, onClick: () => void): HTMLButtonElement {
	const made = make('button', {type: 'button', className}, text);
	made.addEventListener('click', onClick);
	return made;
}
