// Opens the page of attention that is named, in a stand-in for a browser's document, points at
// every word in turn, and prints what is then shown, as JSON: by kind and layer, side and word.
"use strict";
const {readFileSync} = require("node:fs");

class Element {
  constructor(tag, textContent = "") {
    this.style = {setProperty: () => {}};
    this.classList = {toggle: () => {}};
    Object.assign(this, {tag, textContent, children: [], listeners: {}});
  }
  get lastChild() { return this.children.at(-1); }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  setAttribute(name, value) { this[name] = value; }
  addEventListener(event, listener) { this.listeners[event] = listener; }
  querySelectorAll(tag) {
    const inside = this.children.flatMap(child => child.querySelectorAll?.(tag) ?? []);
    return this.tag === tag ? [this, ...inside] : inside;
  }
  remove() { Object.assign(this, {tag: "removed", children: []}); }
}

const [data, script] = [...readFileSync(process.argv[2], "utf8")
  .matchAll(/<script[^>]*>(.*?)<\/script>/gs)].map(found => found[1]);
const main = new Element("main"), byId = {data: new Element("script", data)};
globalThis.document = {
  createElement: tag => new Element(tag),
  createElementNS: (_, tag) => new Element(tag),
  getElementById: id => (byId[id] ??= new Element(id)),
  querySelector: query => (query === "main" ? main : null),
};
new Function(script)();

const inputs = id => byId[id].querySelectorAll("input");
const choose = (id, value) => inputs(id).find(input => input.value === value).listeners.change();
const mouse = {pointerType: "mouse"}, found = [];
for (const kind of inputs("kinds").map(input => input.value)) {
  choose("kinds", kind);
  for (const layer of inputs("layers").map(input => input.value)) {
    choose("layers", layer);
    const heads = main.querySelectorAll("figure").map(figure => {
      const [caption, looks] = figure.children, [from, , to] = looks.children;
      return {caption, from: from.children, to: to.children};
    });
    const percents = side => heads.map(head => head[side].map(word => word.lastChild.textContent));
    for (const [side, other] of [["from", "to"], ["to", "from"]]) {
      heads[0][side].forEach((_, index) => {
        const {listeners} = heads[index % heads.length][side][index];
        listeners.pointerenter(mouse);
        const best = heads.map(({caption}) => caption.lastChild.textContent);
        found.push({kind, layer, side, index, best, percents: percents(other), own: percents(side)});
        listeners.pointerleave(mouse);
        found.at(-1).left = [percents(side), percents(other)];
      });
    }
  }
}
console.log(JSON.stringify(found));
