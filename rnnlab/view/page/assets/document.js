// What a page sets outside of its own elements: the language of the document; and pages that a browser has translated
// go on.
let mended = false;

export default function ({ data }) {
  document.documentElement.lang = data.lang;
  if (!mended) mend();
}

/** Let React remove and insert beside nodes that a translator has wrapped in elements of its own. */
function mend() {
  mended = true;
  const { removeChild, insertBefore } = Node.prototype;
  // the ancestor of `node` that is a child of `parent`: the translator's wrapper, or the node itself
  const childOf = (parent, node) => {
    while (node && node.parentNode !== parent) node = node.parentNode;
    return node;
  };
  Node.prototype.removeChild = function (node) {
    if (node.parentNode === this) return removeChild.call(this, node);
    const wrapper = childOf(this, node);
    if (wrapper) removeChild.call(this, wrapper);
    return node;
  };
  Node.prototype.insertBefore = function (node, before) {
    return insertBefore.call(this, node, before && before.parentNode !== this ? childOf(this, before) : before);
  };
}
