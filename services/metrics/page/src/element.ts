/** What an element may be given; text always goes in as text. */
interface Attributes {
  readonly [name: string]: string | number | boolean | undefined;
}

type Child = Node | string;

/** An element with its attributes and children. True is an attribute without a value; false and undefined are none. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  return dressed(document.createElement(tag), attributes, children);
}

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[Tag] {
  return dressed(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function dressed<E extends Element>(made: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value);
  made.append(...children);
  return made;
}

export function setAttribute(of: Element, name: string, value: string | number | boolean | undefined): void {
  if (value === undefined || value === false) of.removeAttribute(name);
  else {
    const text = value === true ? '' : String(value);
    if (of.getAttribute(name) !== text) of.setAttribute(name, text);
  }
}

/** Touches the document only where something changes. */
export function setText(of: Element, text: string): void {
  if (of.textContent !== text) of.textContent = text;
}
