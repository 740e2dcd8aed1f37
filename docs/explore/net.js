// SpecLeNet5, forward, for one image: the equations of specframe/ops, in plain loops.
//
// Arrays are float32. A spectrum is {re, im}, n x Q numbers each, Q = n/2 + 1: the left half of the grid, which stands
// for the whole because maps are real. All transforms are orthonormal. Grids are circular: as large as the maps.

const KERNEL = 5;

// cos and sin of 2 pi k / n, for k = 0 .. n - 1
const waves = new Map();
function wave(n) {
  if (!waves.has(n)) {
    const angle = (k) => (2 * Math.PI * k) / n;
    waves.set(n, {
      cos: Float64Array.from({ length: n }, (_, k) => Math.cos(angle(k))),
      sin: Float64Array.from({ length: n }, (_, k) => Math.sin(angle(k))),
    });
  }
  return waves.get(n);
}

const spectrum = (size) => ({ re: new Float32Array(size), im: new Float32Array(size) });

// Along the rows' axis of a half spectrum: sum over p of Z[p, q] exp(sign 2 pi i p r / n), times factor.
function alongRows(Z, n, Q, sign, factor) {
  const { cos, sin } = wave(n);
  const re = new Float64Array(n * Q), im = new Float64Array(n * Q);
  for (let r = 0; r < n; r++)
    for (let p = 0; p < n; p++) {
      const c = factor * cos[(p * r) % n], s = factor * sign * sin[(p * r) % n];
      for (let q = 0; q < Q; q++) {
        const a = Z.re[p * Q + q], b = Z.im[p * Q + q];
        re[r * Q + q] += a * c - b * s;
        im[r * Q + q] += a * s + b * c;
      }
    }
  return { re, im };
}

// X = rfft2(x)
function rfft2(x, n) {
  const Q = n / 2 + 1, { cos, sin } = wave(n);
  const half = { re: new Float64Array(n * Q), im: new Float64Array(n * Q) };
  for (let r = 0; r < n; r++)
    for (let q = 0; q < Q; q++)
      for (let c = 0; c < n; c++) {
        half.re[r * Q + q] += x[r * n + c] * cos[(q * c) % n];
        half.im[r * Q + q] -= x[r * n + c] * sin[(q * c) % n];
      }
  const X = alongRows(half, n, Q, -1, 1 / n);
  return { re: Float32Array.from(X.re), im: Float32Array.from(X.im) };
}

// y = irfft2(Z): columns between the edges stand for their mirror images too, and count twice
function irfft2(Z, n) {
  const Q = n / 2 + 1, { cos, sin } = wave(n), y = new Float32Array(n * n);
  const half = alongRows(Z, n, Q, +1, 1 / n);
  for (let r = 0; r < n; r++)
    for (let c = 0; c < n; c++) {
      let sum = 0;
      for (let q = 0; q < Q; q++) {
        const m = q === 0 || q === n / 2 ? 1 : 2;
        sum += m * (half.re[r * Q + q] * cos[(q * c) % n] - half.im[r * Q + q] * sin[(q * c) % n]);
      }
      y[r * n + c] = sum;
    }
  return y;
}

// K[p, q] = sum over i, j of k[i, j] exp(2 pi i (p (i - 2) + q (j - 2)) / n): a correlation, centred, not scaled
function kernelSpectrum(weight, first, n) {
  const Q = n / 2 + 1, K = spectrum(n * Q), { cos, sin } = wave(n), centre = (KERNEL - 1) / 2;
  for (let p = 0; p < n; p++)
    for (let q = 0; q < Q; q++) {
      let re = 0, im = 0;
      for (let i = 0; i < KERNEL; i++)
        for (let j = 0; j < KERNEL; j++) {
          const turn = (p * (i - centre) + q * (j - centre)) % n, k = weight[first + i * KERNEL + j];
          re += k * cos[(turn + n) % n];
          im += k * sin[(turn + n) % n];
        }
      K.re[p * Q + q] = re;
      K.im[p * Q + q] = im;
    }
  return K;
}

// One spectral block and its pooling. maps: arrays of n x n; layer: {kernels[output][input], bias, n}
function block(maps, layer, beta, scale) {
  const { n, kernels, bias } = layer, size = n * (n / 2 + 1), threshold = Math.fround(beta);
  const X = maps.map((x) => rfft2(x, n));
  const outputs = kernels.map((row, o) => {
    const re = new Float64Array(size), im = new Float64Array(size);
    row.forEach((K, c) => {                                        // eq. (2): Y = sum over c of X K
      for (let f = 0; f < size; f++) {
        re[f] += X[c].re[f] * K.re[f] - X[c].im[f] * K.im[f];
        im[f] += X[c].re[f] * K.im[f] + X[c].im[f] * K.re[f];
      }
    });
    re[0] += bias[o] * n;                                          // what a constant map has at frequency zero
    const Y = { re: Float32Array.from(re), im: Float32Array.from(im) };
    const Z = spectrum(size), kept = new Uint8Array(size);
    for (let f = 0; f < size; f++) {
      kept[f] = Math.fround(Math.hypot(Y.re[f], Y.im[f])) > threshold ? 1 : 0;   // line 16
      if (kept[f]) {
        Z.re[f] = scale * Math.tanh(Y.re[f] / scale);              // eq. (5)
        Z.im[f] = scale * Math.tanh(Y.im[f] / scale);
      }
    }
    const y = irfft2(Z, n);
    return { Y, kept, Z, y, pooled: maxPool(y, n) };
  });
  return { n, X, outputs };
}

function maxPool(y, n) {
  const half = n / 2, pooled = new Float32Array(half * half);
  for (let r = 0; r < half; r++)
    for (let c = 0; c < half; c++) {
      const at = 2 * r * n + 2 * c;
      pooled[r * half + c] = Math.max(y[at], y[at + 1], y[at + n], y[at + n + 1]);
    }
  return pooled;
}

function linear(x, weight, bias) {
  return Float32Array.from(bias, (b, o) => {
    let sum = b;
    for (let i = 0; i < x.length; i++) sum += weight[o * x.length + i] * x[i];
    return sum;
  });
}

// The net from the arrays of a state_dict: the kernels' spectra are made once.
function makeNet(weights) {
  const layer = (name, n, inputs) => {
    const weight = weights[`${name}.weight`], bias = weights[`${name}.bias`], area = KERNEL * KERNEL;
    const kernels = Array.from(bias, (_, o) =>
      Array.from({ length: inputs }, (_, c) => kernelSpectrum(weight, (o * inputs + c) * area, n)));
    return { n, kernels, bias };
  };
  return { weights, layers: [layer("conv1", 28, 1), layer("conv2", 14, 6)] };
}

// image: Float32Array(784) in [0, 1]. Everything on the way is in the result, which the page shows.
function forward(net, image, beta, scale) {
  const w = net.weights, dense = (name, x) => linear(x, w[`${name}.weight`], w[`${name}.bias`]);
  const first = block([image], net.layers[0], beta, scale);
  const second = block(first.outputs.map((output) => output.pooled), net.layers[1], beta, scale);
  const flat = new Float32Array(784);
  second.outputs.forEach((output, o) => flat.set(output.pooled, o * 49));
  const hidden = dense("fc1", flat).map(Math.tanh);
  const last = dense("fc2", hidden).map(Math.tanh);
  const logits = dense("fc3", last);
  return { blocks: [first, second], hidden, last, logits, probabilities: softmax(logits) };
}

function softmax(logits) {
  const largest = Math.max(...logits), e = Float32Array.from(logits, (v) => Math.exp(v - largest));
  const sum = e.reduce((a, b) => a + b);
  return e.map((v) => v / sum);
}

// ---- bytes, as specframe/saving counts them ------------------------------------------------------------------------

// channels: arrays of as many rows (frequencies or pixels), one image; `item` bytes an entry. The smallest is kept.
function packed(channels, item, nonzero) {
  const rows = channels.length ? nonzero.rows : 0, entries = rows * channels.length;
  let count = 0, filled = 0;
  for (let row = 0; row < rows; row++) {
    let any = 0;
    for (const channel of channels) any += nonzero.at(channel, row) ? 1 : 0;
    count += any;
    filled += any ? 1 : 0;
  }
  const bits = Math.ceil((filled * channels.length) / 8) + (filled < rows ? Math.ceil(rows / 8) : 0);
  const bytes = { dense: item * entries, mask: item * count + bits, csr: (item + 4) * count + 4 * (rows + 1) };
  let format = "dense";
  if (bytes.dense > item * count + Math.ceil(count / 8) && bytes.dense > Math.min(bytes.csr, bytes.mask))
    format = bytes.csr < bytes.mask ? "csr" : "mask";
  return { count, entries, bytes, format, kept: bytes[format] };
}

const packedSpectra = (outputs) => packed(outputs, 8, {
  rows: outputs[0].kept.length, at: ({ Z }, f) => Z.re[f] !== 0 || Z.im[f] !== 0,
});
const packedMaps = (outputs) => packed(outputs, 4, {
  rows: outputs[0].pooled.length, at: ({ pooled }, i) => pooled[i] !== 0,
});

// What a training step of this one image would keep for its backward: bytes by kind.
function ledger({ blocks, hidden, last, logits }) {
  const spectra = blocks.map((b) => packedSpectra(b.outputs)), maps = blocks.map((b) => packedMaps(b.outputs));
  const winners = blocks.map((b) => 2 * Math.ceil((b.outputs.length * b.outputs[0].pooled.length) / 8));
  const total = (list) => list.reduce((a, b) => a + b, 0);
  const classifier = 4 * (hidden.length + last.length + logits.length);
  const kept = { spectra: total(spectra.map((s) => s.kept)), maps: total(maps.map((m) => m.kept)),
                 winners: total(winners), classifier };
  return { spectra, maps, kept, total: total(Object.values(kept)) };
}
