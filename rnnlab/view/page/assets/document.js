// What a page sets outside of its own elements: the language and the theme of the document. Once: pages that a browser has translated
// go on, and the browser's Back undoes one action of the visitor.
if (!window.labDocument) {
  window.labDocument = true;
  mend();
  countSteps();
}

export default function ({ data }) {
  document.documentElement.lang = data.lang;
  // menus and dialogs lie outside of Streamlit's own element, which alone has its theme
  const app = document.querySelector('[data-testid="stApp"]');
  if (app) document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme;
}

/**
 * Let parameters that a page writes by itself replace the address; those that follow an action are a step of Back.
 * While a server is busy, the parameters of the next page come before its path: both are one step.
 */
function countSteps() {
  const { pushState, replaceState } = History.prototype;
  // whether there was an action since the last step, and whether that step was one on the same page
  let acted = false, stepped = false;
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => ((acted = true), (stepped = false)), true);
  addEventListener("popstate", () => (acted = stepped = false), true);
  History.prototype.pushState = function (state, unused, url) {
    const samePage = url != null && new URL(url, location.href).pathname === location.pathname;
    const step = samePage ? acted : !stepped;
    stepped = samePage && (acted || stepped);
    acted = false;
    (step ? pushState : replaceState).call(this, state, unused, url);
  };
}

/** Let React remove and insert beside nodes that a translator has wrapped in elements of its own. */
function mend() {
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
