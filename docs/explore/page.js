// The page: what is shown, what can be moved, and one `update` that computes and draws everything.

const $ = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// ---- what came with the page ---------------------------------------------------------------------------------------

const DATA = JSON.parse($("data").textContent);
const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function halves(base64) {
  const bytes = bytesOf(base64);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => half(bytes[2 * i] | (bytes[2 * i + 1] << 8)));
}

const net = makeNet(Object.fromEntries(Object.entries(DATA.weights).map(([name, text]) => [name, halves(text)])));
const pixels = bytesOf(DATA.digits);
const DIGITS = DATA.labels.map((_, i) => Float32Array.from(pixels.subarray(784 * i, 784 * (i + 1)), (v) => v / 255));

const state = { image: DIGITS[14].slice(), digit: 14, beta: DATA.beta, scale: DATA.scale, chosen: [0, 0] };

// ---- the blocks ----------------------------------------------------------------------------------------------------

const whole = new Intl.NumberFormat("en");
const count = (n) => whole.format(n);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

// A canvas with frequencies along its edges, or a map without.
function tile(symbol, words, description, n, frequencies) {
  const canvas = make("canvas", { role: "img", "aria-label": description });
  const screen = make("div", { class: "screen" }, canvas), plot = make("div", { class: "plot" });
  const ticks = (kind, numbers) =>
    make("div", { class: kind, "aria-hidden": "true" }, ...numbers.map((v) => make("span", {}, v)));
  const minus = (v) => String(v).replace("-", "−");
  if (!frequencies) plot.append(screen, ticks("under", []));
  else {
    plot.append(ticks("rows", [-n / 2, 0, n / 2 - 1].map(minus)), screen, ticks("cols", [0, n / 2]));
    const Q = n / 2 + 1;
    screen.append(make("span", { class: "zero", style: `left:${50 / Q}%;top:${(100 * (n / 2 + 0.5)) / n}%` }));
  }
  const caption = make("figcaption", {}, ...(symbol ? [make("b", {}, symbol)] : []), words);
  return { figure: make("figure", {}, caption, plot), canvas };
}

const legends = ["Output map, of 6", "Output map, of 16; X and K are those of the map chosen above"];

function buildBlock(number) {
  const n = [28, 14][number], outputs = [6, 16][number], section = $(`block${number + 1}`);
  const tiles = {
    X: tile("X", "spectrum", "Spectrum of the block’s input", n, true),
    K: tile("K", "kernel", "Spectrum of the kernel", n, true),
    Y: tile("Y", number ? "= Σ X K" : "= X K", "Product of spectrum and kernel", n, true),
    kept: tile("|Y|", "> β", "Frequencies that pass the threshold", n, true),
    Z: tile("Z", "stored", "Spectrum after threshold and tanh", n, true),
    y: tile("y", "map", "Map in space", n, false),
    pooled: tile("", "pooled", "Map after pooling", n / 2, false),
  };
  const bars = ["magnitude", "map"].map(() => make("canvas", { "aria-hidden": "true" }));
  const range = bars.map(() => make("span"));
  const legend = make("div", { class: "legend" },
    make("span", {}, bars[0], range[0]), make("span", {}, make("i"), "dropped, not stored"),
    make("span", {}, bars[1], range[1]), make("span", {}, "+ frequency zero"));
  const picker = make("fieldset", { class: "picker" }, make("legend", {}, legends[number]));
  const thumbs = Array.from({ length: outputs }, (_, o) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    const input = make("input", { type: "radio", name: `map${number}`, "aria-label": `Map ${o + 1}` });
    input.checked = o === state.chosen[number];
    input.addEventListener("change", () => { state.chosen[number] = o; ask(); });
    picker.append(make("label", {}, canvas, input));
    return canvas;
  });
  const numbers = make("p", { class: "numbers" });
  section.append(make("div", { class: "tiles" }, ...Object.values(tiles).map((t) => t.figure)), legend, picker, numbers);
  return { n, tiles, bars, range, thumbs, numbers };
}

const views = [buildBlock(0), buildBlock(1)];

function largest(values) {
  let top = 0;
  for (const v of values) if (Math.abs(v) > top) top = Math.abs(v);
  return top;
}

function showBlock(number, result, stored) {
  const { n, tiles, bars, range, thumbs, numbers } = views[number];
  const input = number ? state.chosen[0] : 0, output = result.outputs[state.chosen[number]];
  const X = result.X[input], K = net.layers[number].kernels[state.chosen[number]][input];
  let top = 1e-6;
  for (const Z of [X, K, output.Y]) for (let f = 0; f < Z.re.length; f++) top = Math.max(top, loudness(Z, f));
  paintMagnitude(tiles.X.canvas, n, X, top);
  paintMagnitude(tiles.K.canvas, n, K, top);
  paintMagnitude(tiles.Y.canvas, n, output.Y, top);
  paintKept(tiles.kept.canvas, n, output.kept);
  paintMagnitude(tiles.Z.canvas, n, output.Z, top, output.kept);
  const high = Math.max(1e-6, largest(output.y)), highest = Math.max(1e-6, ...result.outputs.map((o) => largest(o.y)));
  paintMap(tiles.y.canvas, n, output.y, high);
  paintMap(tiles.pooled.canvas, n / 2, output.pooled, high);
  thumbs.forEach((canvas, o) => paintMap(canvas, n, result.outputs[o].y, highest));
  paintRamp(bars[0], colours().magnitude);
  paintRamp(bars[1], colours().signed);
  range[0].textContent = `log(1 + |·|), 0 to ${top.toFixed(2)}`;
  range[1].textContent = `map, −${high.toFixed(2)} to ${high.toFixed(2)}`;

  const { bytes, format } = stored;
  const forms = ["dense", "csr", "mask"].flatMap((name, i) => {
    const text = `${name} ${count(bytes[name])} bytes`;
    return [i ? ", " : "", name === format ? make("span", { class: "held" }, text) : text];
  });
  numbers.replaceChildren(make("b", {}, count(stored.count)), ` of ${count(stored.entries)} coefficients kept, `,
    make("b", {}, percent(stored.count / stored.entries)), make("br"), ...forms);
}

// ---- the answer and the bytes --------------------------------------------------------------------------------------

const bars = DIGITS.slice(0, 10).map((_, digit) => {
  const filled = make("i"), trained = make("b"), share = make("span");
  const row = make("li", {}, make("span", {}, String(digit)),
    make("span", { class: "bar" }, filled, trained), share);
  $("bars").append(row);
  return { row, filled, trained, share };
});

const best = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

function showAnswer({ probabilities }, trained) {
  const answer = best(probabilities), before = best(trained.probabilities);
  bars.forEach(({ row, filled, trained: mark, share }, digit) => {
    row.className = digit === answer ? "best" : "";
    filled.style.width = `${100 * probabilities[digit]}%`;
    mark.style.left = `${100 * trained.probabilities[digit]}%`;
    mark.hidden = trained.probabilities[digit] < 0.005;
    share.textContent = percent(probabilities[digit]);
  });
  $("class").textContent = answer;
  const words = answer === before ? `It reads ${answer}, as with the settings it was trained with.`
                                  : `It reads ${answer}. With the settings it was trained with, it reads ${before}.`;
  if ($("change").textContent !== words) $("change").textContent = words;
}

const KINDS = { spectra: "spectra Z", maps: "pooled maps", winners: "winners of pooling", classifier: "classifier" };

function showBytes({ kept, total, spectra, maps }) {
  const dense = total + [...spectra, ...maps].reduce((sum, each) => sum + each.bytes.dense - each.kept, 0);
  $("total").textContent = `${count(total)} bytes`;
  $("saved").textContent = `${count(dense)} if nothing were sparse: ${(total / dense).toFixed(2)} of it`;
  $("share").replaceChildren(...Object.values(kept).map((v) => make("i", { style: `width:${(100 * v) / dense}%` })));
  $("kinds").replaceChildren(...Object.entries(KINDS).map(([kind, words], i) =>
    make("div", { class: `k${i + 1}` }, make("dt", {}, words), make("dd", {}, count(kept[kind])))));
}

// ---- once a frame at most ------------------------------------------------------------------------------------------

let asked = false;
let trained = { image: null, result: null };  // the answer with the settings of the training, for the image shown

function ask() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(update);
}

const sameImage = (image) => image !== null && image.every((v, i) => v === state.image[i]);

function update() {
  asked = false;
  const result = forward(net, state.image, state.beta, state.scale), bytes = ledger(result);
  paintDigit($("pad"), state.image);
  result.blocks.forEach((block, number) => showBlock(number, block, bytes.spectra[number]));
  if (!sameImage(trained.image)) trained = { image: state.image.slice(), result: forward(net, state.image, DATA.beta, DATA.scale) };
  showAnswer(result, trained.result);
  showBytes(bytes);
  for (const [name, digits] of [["beta", 2], ["scale", 1]]) {
    $(name).value = state[name];
    $(`${name}-value`).textContent = state[name].toFixed(digits);
  }
  document.querySelectorAll("#digits button").forEach((button, i) => button.setAttribute("aria-pressed", i === state.digit));
}

// ---- what can be moved ---------------------------------------------------------------------------------------------

for (const name of ["beta", "scale"])
  $(name).addEventListener("input", (event) => { state[name] = Number(event.target.value); ask(); });

$("trained").addEventListener("click", () => { Object.assign(state, { beta: DATA.beta, scale: DATA.scale }); ask(); });

function show(image, digit = null) {
  state.image = image;
  state.digit = digit;
  ask();
}

DIGITS.forEach((image, i) => {
  const canvas = make("canvas", { "aria-hidden": "true" });
  paintDigit(canvas, image);
  const button = make("button", { type: "button", "aria-label": `A ${DATA.labels[i]}, number ${(i % 2) + 1}` }, canvas);
  button.addEventListener("click", () => show(image.slice(), i));
  $("digits").append(button);
});

$("clear").addEventListener("click", () => show(new Float32Array(784)));

// The centre of mass to the middle, as MNIST's digits lie.
$("centre").addEventListener("click", () => {
  let mass = 0, row = 0, col = 0;
  state.image.forEach((v, i) => { mass += v; row += v * Math.floor(i / 28); col += v * (i % 28); });
  if (!mass) return;
  const down = Math.round(13.5 - row / mass), right = Math.round(13.5 - col / mass), moved = new Float32Array(784);
  for (let r = 0; r < 28; r++)
    for (let c = 0; c < 28; c++) {
      const from = r - down, at = c - right;
      if (from >= 0 && from < 28 && at >= 0 && at < 28) moved[r * 28 + c] = state.image[from * 28 + at];
    }
  show(moved);
});

// A soft dot at (x, y), in pixels of the image.
function dot(x, y) {
  for (let r = Math.floor(y) - 2; r <= y + 2; r++)
    for (let c = Math.floor(x) - 2; c <= x + 2; c++)
      if (r >= 0 && r < 28 && c >= 0 && c < 28) {
        const ink = Math.min(1, Math.max(0, 1.9 - Math.hypot(r + 0.5 - y, c + 0.5 - x)));
        state.image[r * 28 + c] = Math.max(state.image[r * 28 + c], ink);
      }
  state.digit = null;
}

function stroke(from, to) {
  const steps = Math.max(1, Math.ceil(2 * Math.hypot(to.x - from.x, to.y - from.y)));
  for (let i = 1; i <= steps; i++) dot(from.x + ((to.x - from.x) * i) / steps, from.y + ((to.y - from.y) * i) / steps);
  ask();
}

const pad = $("pad"), pen = { x: 14, y: 14 };
let last = null;

function placeOf(event) {
  const box = pad.getBoundingClientRect();
  return { x: ((event.clientX - box.left) / box.width) * 28, y: ((event.clientY - box.top) / box.height) * 28 };
}

pad.addEventListener("pointerdown", (event) => {
  pad.setPointerCapture(event.pointerId);
  last = placeOf(event);
  stroke(last, last);
});
pad.addEventListener("pointermove", (event) => {
  if (!last) return;
  const here = placeOf(event);
  stroke(last, here);
  last = here;
});
for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => { last = null; });

function movePen() {
  $("pen").style.left = `calc(${(pen.x / 28) * 100}% - 5px)`;
  $("pen").style.top = `calc(${(pen.y / 28) * 100}% - 5px)`;
}

pad.addEventListener("keydown", (event) => {
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const before = { ...pen }, inside = (v) => Math.min(27.5, Math.max(0.5, v));
  if (event.key in arrows) {
    const [right, down] = arrows[event.key];
    Object.assign(pen, { x: inside(pen.x + right), y: inside(pen.y + down) });
    movePen();
    if (event.shiftKey) stroke(before, pen);
  } else if (event.key === " ") stroke(pen, pen);
  else if (event.key === "Delete" || event.key === "Backspace") $("clear").click();
  else return;
  event.preventDefault();
});

dark.addEventListener("change", ask);
movePen();
update();
