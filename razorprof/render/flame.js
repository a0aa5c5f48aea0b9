// Interactive flame graphs in a page or an SVG file. Written into the file by razorprof; loads nothing.
// Starts every .rp-flame that is not started yet, so it may stand in a page several times.
(() => {
  "use strict";
  const ROW = 18; // px
  const LEAST = 0.7; // px: narrower boxes are not drawn
  const XHTML = "http://www.w3.org/1999/xhtml";

  const make = (tag, name, text) => {
    const element = document.createElementNS(XHTML, tag);
    if (name) element.setAttribute("class", name);
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // -- figures

  const three = (value) => (value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2));

  const scaled = (value, step, units) => {
    let place = 0;
    while (value >= step * 0.9995 && place < units.length - 1) {
      value /= step;
      place += 1;
    }
    return `${place || value % 1 ? three(value) : value}${units[place]}`;
  };

  const seconds = (value) => {
    if (value === 0) return "0 s";
    if (value < 0.001) return `${(value * 1e6).toFixed(0)} µs`;
    if (value < 1) return `${three(value * 1e3)} ms`;
    if (value < 60) return `${three(value)} s`;
    const whole = Math.floor(value);
    for (const [unit, length, smaller, part] of [["d", 86400, "h", 3600], ["h", 3600, "m", 60], ["m", 60, "s", 1]]) {
      if (whole >= length) return `${Math.floor(whole / length)} ${unit} ${Math.floor((whole % length) / part)} ${smaller}`;
    }
    return "";
  };

  const percent = (ratio, digits) => `${(ratio * 100).toFixed(digits === undefined ? 2 : digits)} %`;

  const amount = (value, unit) => {
    if (unit === "seconds") return seconds(value);
    if (unit === "share") return percent(value);
    if (unit === "bytes") return scaled(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB", " PiB"]);
    return scaled(value, 1000, ["", "k", "M", "G", "T"]);
  };

  const signed = (change, unit) => {
    if (unit === "share") return `${change < 0 ? "-" : "+"}${(Math.abs(change) * 100).toFixed(2)} points`;
    return `${change < 0 ? "-" : "+"}${amount(Math.abs(change), unit)}`;
  };

  // -- geometry: a tree comes as columns, parents before children

  const prepare = (tree) => {
    const count = tree.f.length;
    const start = new Float64Array(count), parent = new Int32Array(count), end = new Int32Array(count).fill(count);
    const open = [], filled = [];
    for (let i = 0; i < count; i += 1) {
      const depth = tree.d[i];
      while (open.length > depth) end[open.pop()] = i;
      parent[i] = depth ? open[depth - 1] : -1;
      start[i] = depth ? filled[depth - 1] : 0;
      if (depth) filled[depth - 1] += tree.w[i];
      filled[depth] = start[i];
      open.push(i);
    }
    return { ...tree, start, parent, end };
  };

  class Flame {
    constructor(root) {
      this.root = root;
      this.data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
      this.trees = this.data.trees.map(prepare);
      this.inverted = false; // the root at the bottom
      this.words = "";
      this.chosen = -1;
      this.build();
      this.show(0);
      new ResizeObserver(() => this.draw()).observe(this.graph);
      window.addEventListener("beforeprint", () => this.draw(true));
      window.addEventListener("afterprint", () => this.draw());
    }

    build() {
      const bar = make("div", "rp-bar");
      this.search = make("input", "rp-search");
      this.search.type = "search";
      this.search.placeholder = "search: words, or /regex/";
      this.search.setAttribute("aria-label", "search functions and files");
      this.search.spellcheck = false;
      this.search.addEventListener("input", () => this.find(this.search.value));
      this.matched = make("output", "rp-matched");
      bar.append(this.search, this.matched, make("span", "rp-gap"));
      if (this.trees.length > 1) {
        const select = make("select", "rp-threads");
        select.setAttribute("aria-label", "thread");
        const all = this.trees[0].w[0] || 1;
        this.trees.forEach((tree, place) => {
          const option = make("option", "", place ? `${tree.name}  ${percent(tree.w[0] / all, 1)}` : tree.name);
          option.value = place;
          select.append(option);
        });
        select.addEventListener("change", () => this.show(Number(select.value)));
        bar.append(select);
      }
      this.turn = this.button(bar, "flame", "root at the bottom or at the top (i)", () => this.invert());
      this.reset = this.button(bar, "reset zoom", "show everything again (0)", () => this.zoom(0));
      this.rows = make("div", "rp-rows");
      this.graph = make("div", "rp-graph");
      this.graph.tabIndex = 0;
      this.graph.setAttribute("role", "group");
      this.graph.setAttribute("aria-label", "flame graph: arrow keys choose a box, enter zooms, escape goes back");
      this.graph.append(this.rows);
      this.detail = make("div", "rp-detail");
      this.detail.setAttribute("aria-live", "polite");
      this.tip = make("div", "rp-tip");
      this.tip.hidden = true;
      const place = this.root.querySelector(".rp-place");
      place.replaceChildren(bar, this.graph, this.detail, this.tip);
      this.graph.addEventListener("scroll", () => this.draw());
      this.graph.addEventListener("click", (event) => {
        const box = this.boxOf(event);
        if (box >= 0) this.zoom(box);
      });
      this.graph.addEventListener("mousemove", (event) => this.point(event));
      this.graph.addEventListener("mouseleave", () => this.leave());
      this.root.addEventListener("keydown", (event) => this.key(event));
    }

    button(bar, text, title, call) {
      const button = make("button", "rp-button", text);
      button.type = "button";
      button.title = title;
      button.addEventListener("click", call);
      bar.append(button);
      return button;
    }

    // -- what is shown

    show(place) {
      this.tree = this.trees[place];
      this.zoomed = 0;
      this.chosen = -1;
      this.find(this.words);
      this.turned();
    }

    zoom(box) {
      if (this.tree.f[box] < 0) box = this.tree.parent[box]; // what is too small together is no place to go to
      this.zoomed = box;
      this.chosen = box;
      this.tip.hidden = true;
      this.turned();
      this.tell(box);
    }

    invert() {
      this.inverted = !this.inverted;
      this.turn.textContent = this.inverted ? "icicle" : "flame";
      this.turned();
    }

    turned() {
      this.deepest = 0;
      for (let i = this.zoomed; i < this.tree.end[this.zoomed]; i += 1) {
        if (this.tree.d[i] > this.deepest) this.deepest = this.tree.d[i];
      }
      this.rows.style.height = `${(this.deepest + 1) * ROW}px`;
      this.graph.scrollTop = this.inverted ? this.rows.offsetHeight : 0;
      this.reset.disabled = this.zoomed === 0;
      this.draw();
    }

    draw(everything) {
      const { tree, zoomed } = this;
      const whole = tree.w[zoomed] || 1, from = tree.start[zoomed], wide = this.graph.clientWidth || 1200;
      const top = everything ? -Infinity : this.graph.scrollTop - 10 * ROW;
      const bottom = everything ? Infinity : this.graph.scrollTop + this.graph.clientHeight + 10 * ROW;
      const drawn = document.createDocumentFragment();
      for (let i = tree.parent[zoomed]; i >= 0; i = tree.parent[i]) {
        if (this.top(i) >= top && this.top(i) <= bottom) drawn.append(this.box(i, 0, 1, wide, true));
      }
      let i = zoomed;
      while (i < tree.end[zoomed]) {
        const share = tree.w[i] / whole, y = this.top(i);
        const beyond = this.inverted ? y < top : y > bottom;
        if (share * wide < LEAST || beyond) {
          i = tree.end[i]; // what is below is no wider, and no nearer
          continue;
        }
        if (y >= top && y <= bottom) drawn.append(this.box(i, (tree.start[i] - from) / whole, share, wide, false));
        i += 1;
      }
      this.rows.replaceChildren(drawn);
    }

    top(i) {
      return (this.inverted ? this.deepest - this.tree.d[i] : this.tree.d[i]) * ROW;
    }

    box(i, left, share, wide, above) {
      const { tree } = this, frame = this.frame(i);
      const box = make("div", "rp-box", share * wide > 20 ? this.name(i) : "");
      box.style.left = `${left * 100}%`;
      box.style.width = `${share * 100}%`;
      box.style.top = `${this.top(i)}px`;
      if (this.data.compared) box.style.backgroundColor = this.data.tones[tree.t[i] + 8];
      else if (frame) box.style.backgroundColor = frame[3];
      if (above) box.classList.add("rp-above");
      if (!frame) box.classList.add("rp-rest");
      if (this.fits) box.classList.add(frame && this.fits[tree.f[i]] ? "rp-match" : "rp-other");
      if (i === this.chosen) box.classList.add("rp-chosen");
      box.place = i;
      return box;
    }

    // -- words

    frame(i) {
      const place = this.tree.f[i];
      return place < 0 ? null : this.data.frames[place];
    }

    name(i) {
      const frame = this.frame(i);
      return frame ? frame[0] : `(${-this.tree.f[i]} smaller)`;
    }

    lines(i) {
      const { tree } = this, { unit, compared } = this.data, frame = this.frame(i), all = tree.w[0] || 1;
      const lines = [this.name(i)];
      if (frame && frame[1]) lines.push(frame[2] ? `${frame[1]}:${frame[2]}` : frame[1]);
      const part = (weight, whole) => (unit === "share" ? percent(weight) : `${amount(weight, unit)}  ${percent(weight / (whole || 1))}`);
      const pair = (word, now, before) => {
        if (!compared) return `${word} ${part(now, all)}`;
        return `${word} ${part(before, tree.b[0])} → ${part(now, all)}  (${signed(now - before, unit)})`;
      };
      lines.push(pair("total", tree.w[i], compared ? tree.b[i] : 0));
      if (frame) lines.push(pair("self", tree.o[i], compared ? tree.p[i] : 0));
      if (this.zoomed && tree.w[this.zoomed]) lines.push(`${percent(tree.w[i] / tree.w[this.zoomed])} of the zoomed box`);
      return lines;
    }

    tell(i) {
      this.detail.textContent = i < 0 ? "" : this.lines(i).slice(0, 4).join("   ");
    }

    // -- search

    find(words) {
      this.words = words;
      this.fits = null;
      this.matched.classList.remove("rp-bad");
      this.matched.textContent = "";
      let test = null;
      const expression = /^\/(.+)\/$/.exec(words);
      if (expression) {
        try {
          const compiled = new RegExp(expression[1], "iu");
          test = (text) => compiled.test(text);
        } catch {
          this.matched.textContent = "not a regular expression";
          this.matched.classList.add("rp-bad");
        }
      } else if (words.trim()) {
        const wanted = words.trim().toLowerCase();
        test = (text) => text.toLowerCase().includes(wanted);
      }
      if (test) {
        this.fits = this.data.frames.map(([name, file]) => test(name) || test(file) || test(`${file}:${name}`));
        this.matched.textContent = this.share();
      }
      if (this.deepest !== undefined) this.draw();
    }

    share() {
      const { tree, fits } = this;
      let now = 0, before = 0, boxes = 0;
      for (let i = 0; i < tree.f.length; ) {
        if (tree.f[i] >= 0 && fits[tree.f[i]]) {
          now += tree.w[i];
          before += this.data.compared ? tree.b[i] : 0;
          boxes += 1;
          i = tree.end[i]; // recursion counts once
        } else i += 1;
      }
      if (!boxes) return "no match";
      const shown = percent(now / (tree.w[0] || 1), 1);
      return this.data.compared ? `matched: base ${percent(before / (tree.b[0] || 1), 1)}, new ${shown}` : `matched: ${shown}`;
    }

    // -- the hand

    boxOf(event) {
      const place = event.target.place;
      return place === undefined ? -1 : place;
    }

    point(event) {
      const box = this.boxOf(event);
      if (box < 0) {
        this.leave();
        return;
      }
      this.tip.replaceChildren(...this.lines(box).map((line, place) => make("div", place ? "" : "rp-name", line)));
      this.tip.hidden = false;
      const wide = this.tip.offsetWidth, high = this.tip.offsetHeight;
      const right = document.documentElement.clientWidth || window.innerWidth;
      this.tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, right - wide - 8))}px`;
      const below = event.clientY + 18 + high < window.innerHeight;
      this.tip.style.top = `${below ? event.clientY + 18 : Math.max(4, event.clientY - high - 10)}px`;
      this.tell(box);
    }

    leave() {
      this.tip.hidden = true;
      this.tell(this.chosen);
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target === this.search) {
        if (event.key === "Escape" || event.key === "Enter") {
          if (event.key === "Escape") this.find((this.search.value = ""));
          this.graph.focus({ preventScroll: true });
          event.preventDefault();
        }
        return;
      }
      if (event.target !== this.graph) return;
      const calls = {
        "/": () => this.search.focus(),
        "0": () => this.zoom(0),
        i: () => this.invert(),
        Enter: () => this.zoom(Math.max(0, this.chosen)),
        Escape: () => (this.words ? this.find((this.search.value = "")) : this.zoom(Math.max(0, this.tree.parent[this.zoomed]))),
        ArrowLeft: () => this.beside(-1),
        ArrowRight: () => this.beside(1),
        ArrowUp: () => (this.inverted ? this.down() : this.up()),
        ArrowDown: () => (this.inverted ? this.up() : this.down()),
      };
      if (!(event.key in calls)) return;
      event.preventDefault();
      calls[event.key]();
    }

    choose(box) {
      this.chosen = box;
      const y = this.top(box);
      if (y < this.graph.scrollTop) this.graph.scrollTop = y;
      else if (y + ROW > this.graph.scrollTop + this.graph.clientHeight) this.graph.scrollTop = y + ROW - this.graph.clientHeight;
      this.draw();
      this.tell(box);
    }

    up() {
      if (this.chosen > 0) this.choose(this.tree.parent[this.chosen]);
    }

    down() {
      if (this.chosen < 0) this.choose(this.zoomed);
      else if (this.chosen + 1 < this.tree.end[this.chosen]) this.choose(this.chosen + 1); // the heaviest child
    }

    beside(step) {
      const { tree, chosen } = this;
      if (chosen <= this.zoomed) return;
      const parent = tree.parent[chosen];
      if (step > 0 && tree.end[chosen] < tree.end[parent]) this.choose(tree.end[chosen]);
      if (step < 0) {
        let before = -1;
        for (let i = parent + 1; i < chosen; i = tree.end[i]) before = i;
        if (before >= 0) this.choose(before);
      }
    }
  }

  const start = () => {
    for (const root of document.querySelectorAll(".rp-flame:not([data-ready])")) {
      root.setAttribute("data-ready", "yes");
      const picture = root.closest("foreignObject");
      if (picture) {
        const svg = picture.ownerSVGElement;
        svg.querySelector(".rp-still").style.display = "none";
        picture.style.display = "block";
        for (const [name, value] of [["width", "100%"], ["height", "100%"]]) svg.setAttribute(name, value);
        svg.removeAttribute("viewBox");
      }
      const flame = new Flame(root);
      if (root.hasAttribute("data-page")) flame.graph.focus({ preventScroll: true });
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
