/* Elements without markup: every text becomes a text node, so nothing that a file holds can be more than text. */
export type Child = Node | string | number | null | undefined | false | Child[];
type Props = {
  class?: string | null;
  on?: Record<string, (event: any) => void>;
  [attribute: string]: unknown;
};

/* What cannot be seen, or would reorder what stands around it, made visible (as src/publish/visible.h does). */
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;

export function visible(text: string): string {
  return text.replace(INVISIBLE, (c) => {
    const code = c.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '\u2421';
    if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
    return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  });
}

function append(parent: Node, child: Child): void {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) for (const one of child) append(parent, one);
  else parent.appendChild(child instanceof Node ? child : document.createTextNode(visible(String(child))));
}

function build<E extends Element>(element: E, props: Props | null, children: Child[]): E {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') {
      for (const [event, handler] of Object.entries(value as Record<string, EventListener>)) element.addEventListener(event, handler);
    } else {
      element.setAttribute(name, value === true ? '' : name === 'aria-label' ? visible(String(value)) : String(value));
    }
  }
  append(element, children);
  return element;
}

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props?: Props | null, ...children: Child[]): HTMLElementTagNameMap[K] {
  return build(document.createElement(tag), props ?? null, children);
}

export function svg(tag: string, props?: Props | null, ...children: Child[]): SVGElement {
  return build(document.createElementNS('http://www.w3.org/2000/svg', tag) as SVGElement, props ?? null, children);
}

/* A text of others, isolated so that its direction of writing stays its own. */
export function bdi(text: string, props?: Props): HTMLElement {
  return h('bdi', props, text);
}

export function clear(element: Element): void {
  while (element.firstChild) element.removeChild(element.firstChild);
}
