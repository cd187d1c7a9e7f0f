// The picture of a focal point: click, drag or arrow keys move it, and the crops beside it follow.
// Without this script two numbers do the same. Nothing here needs inline script or style.
"use strict";
(() => {
  const MARK = "data-responsive-img-focal";
  const MIDDLE = 50; // %
  const STEP = 1, LEAP = 10; // % of an arrow key, and with Shift
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  const clamp = (value, most) => Math.min(Math.max(value, 0), most);
  const rounded = (percentage) => Math.round(clamp(percentage, 100) * 10) / 10;

  function element(tag, name, parent, properties = {}) {
    const made = Object.assign(document.createElement(tag), properties);
    if (name) made.className = `responsive-img-focal-${name}`;
    parent.append(made);
    return made;
  }

  // Where a crop of a share (0 to 1) of a side lies, as object-position counts: as near to the point as it fits.
  function position(point, share) {
    return share < 1 ? (100 * clamp(point / 100 - share / 2, 1 - share)) / (1 - share) : MIDDLE;
  }

  class Focal {
    constructor(root) {
      this.root = root;
      this.options = JSON.parse(root.getAttribute(MARK));
      this.inputs = [...root.querySelectorAll("input")];
      // Known by the name of the numbers: rows that are added to a form get theirs late.
      const prefix = this.inputs[0].name.slice(0, -`${this.options.field}_0`.length);
      const file = root.closest("form")?.elements.namedItem(prefix + this.options.image);
      this.file = file instanceof HTMLInputElement && file.type === "file" ? file : null;
      this.draw();
      this.listen();
      this.show(this.options.picture);
      this.update();
    }

    draw() {
      this.view = element("div", "view", this.root, { hidden: true });
      this.stage = element("div", "stage", this.view);
      this.picture = element("img", "", this.stage, { alt: "", draggable: false });
      this.handle = element("span", "handle", this.stage, { tabIndex: 0, role: "slider" });
      this.handle.setAttribute("aria-label", this.options.label);
      this.handle.setAttribute("aria-valuemin", 0);
      this.handle.setAttribute("aria-valuemax", 100);
      const crops = element("div", "crops", this.view);
      this.crops = Object.entries(this.options.crops).map(([label, ratio]) => {
        const figure = element("figure", "crop", crops);
        const image = element("img", "", figure, { alt: "" });
        image.style.aspectRatio = ratio;
        // Of one area, whatever the ratio.
        image.style.width = `${6.5 * Math.min(Math.sqrt(ratio), 1.7)}rem`;
        element("figcaption", "", figure, { textContent: label });
        return { image, ratio };
      });
      const foot = element("p", "foot", this.view);
      element("span", "hint", foot, { textContent: this.options.hint });
      this.reset = element("button", "reset", foot, { type: "button", textContent: this.options.centre });
    }

    listen() {
      for (const input of this.inputs) input.addEventListener("input", () => this.update());
      this.reset.addEventListener("click", () => this.write("", ""));
      this.picture.addEventListener("load", () => this.reveal(true));
      this.picture.addEventListener("error", () => this.reveal(false));
      this.file?.addEventListener("change", () => this.choose());
      this.handle.addEventListener("keydown", (event) => this.press(event));
      this.stage.addEventListener("pointerdown", (event) => this.drag(event));
    }

    get values() {
      return this.inputs.map((input) => (input.value === "" ? MIDDLE : clamp(Number(input.value), 100)));
    }

    drag(event) {
      if (!event.isPrimary || event.button !== 0) return;
      event.preventDefault();
      this.handle.focus({ preventScroll: true });
      this.point(event);
      // Of the window: the pointer may leave the picture, and come back.
      const drag = new AbortController(), { signal } = drag;
      window.addEventListener("pointermove", (moved) => moved.isPrimary && this.point(moved), { signal });
      for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => drag.abort(), { signal });
    }

    point(event) {
      const box = this.picture.getBoundingClientRect();
      const x = (100 * (event.clientX - box.left)) / box.width;
      const y = (100 * (event.clientY - box.top)) / box.height;
      this.write(rounded(x), rounded(y));
    }

    press(event) {
      const arrow = ARROWS[event.key];
      if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const step = event.shiftKey ? LEAP : STEP;
      this.write(...this.values.map((value, side) => rounded(value + arrow[side] * step)));
    }

    write(...values) {
      if (this.inputs[0].matches(":disabled")) return;
      this.inputs.forEach((input, side) => {
        input.value = values[side];
        for (const name of ["input", "change"]) input.dispatchEvent(new Event(name, { bubbles: true }));
      });
    }

    // A file that is not saved yet is shown from the visitor's own disk, and has no point of the picture before it.
    // Where none is chosen in the end, that picture stays, and its point.
    choose() {
      const [file] = this.file.files;
      if (this.own) URL.revokeObjectURL(this.own);
      this.own = file ? URL.createObjectURL(file) : "";
      this.stored ??= this.inputs.map((input) => input.value);
      this.write(...(file ? ["", ""] : this.stored));
      if (!file) this.stored = null;
      this.show(this.own || this.options.picture);
    }

    show(url) {
      if (!url) return this.reveal(false);
      for (const image of [this.picture, ...this.crops.map((crop) => crop.image)]) image.src = url;
    }

    reveal(isThere) {
      this.view.hidden = !isThere;
      if (isThere) this.update();
    }

    update() {
      const [x, y] = this.values;
      this.handle.style.left = `${x}%`;
      this.handle.style.top = `${y}%`;
      this.handle.setAttribute("aria-valuenow", x);
      this.handle.setAttribute("aria-valuetext", this.options.place.replace("{x}", x).replace("{y}", y));
      const own = this.picture.naturalWidth / this.picture.naturalHeight;
      for (const { image, ratio } of this.crops) {
        const left = position(x, ratio / own), top = position(y, own / ratio);
        image.style.objectPosition = `${left}% ${top}%`;
      }
    }
  }

  function start(scope) {
    for (const root of scope.querySelectorAll(`[${MARK}]`)) {
      const isDone = root.querySelector(".responsive-img-focal-view");
      // An empty row is there to be copied.
      if (!isDone && !root.closest(".empty-form")) new Focal(root);
    }
  }

  document.addEventListener("formset:added", (event) => start(event.target));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => start(document));
  else start(document);
})();
