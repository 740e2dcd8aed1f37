// Numbers as pixels. A canvas has one pixel an entry; CSS enlarges it.

const dark = matchMedia("(prefers-color-scheme: dark)");
const RAMPS = {
  light: { zero: [250, 249, 246], magnitude: [[250, 249, 246], [245, 205, 148], [221, 107, 48], [110, 20, 40]],
           negative: [29, 92, 160], positive: [178, 52, 8], dropped: [220, 221, 225], kept: [185, 59, 10] },
  dark: { zero: [27, 28, 33], magnitude: [[27, 28, 33], [104, 44, 30], [224, 112, 52], [255, 226, 180]],
          negative: [92, 160, 235], positive: [245, 140, 85], dropped: [58, 60, 68], kept: [242, 138, 79] },
};
const colours = () => (dark.matches ? RAMPS.dark : RAMPS.light);

const mix = (a, b, t) => a.map((v, i) => v + (b[i] - v) * t);

// t in [0, 1] along a list of colours
function along(stops, t) {
  const at = Math.min(Math.max(t, 0), 1) * (stops.length - 1), i = Math.min(Math.floor(at), stops.length - 2);
  return mix(stops[i], stops[i + 1], at - i);
}

// colour(column, row) for each pixel
function paint(canvas, width, height, colour) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let r = 0, at = 0; r < height; r++)
    for (let c = 0; c < width; c++, at += 4) {
      const [red, green, blue] = colour(c, r);
      image.data[at] = red, image.data[at + 1] = green, image.data[at + 2] = blue, image.data[at + 3] = 255;
    }
  context.putImageData(image, 0, 0);
}

const loudness = (Z, f) => Math.log1p(Math.hypot(Z.re[f], Z.im[f]));

// A half spectrum with row -n/2 on top, so that frequency zero is in the middle of the left edge.
function paintSpectrum(canvas, n, colour) {
  const Q = n / 2 + 1;
  paint(canvas, Q, n, (q, r) => colour(((r + n / 2) % n) * Q + q));
}

function paintMagnitude(canvas, n, Z, top, kept) {
  const { magnitude, dropped } = colours();
  paintSpectrum(canvas, n, (f) => (kept && !kept[f] ? dropped : along(magnitude, loudness(Z, f) / top)));
}

function paintKept(canvas, n, kept) {
  const { kept: yes, dropped } = colours();
  paintSpectrum(canvas, n, (f) => (kept[f] ? yes : dropped));
}

// A map in space, zero in the colour of the ground.
function paintMap(canvas, n, map, top) {
  const { zero, negative, positive } = colours();
  paint(canvas, n, n, (c, r) => {
    const t = map[r * n + c] / top;
    return mix(zero, t < 0 ? negative : positive, Math.min(Math.abs(t), 1));
  });
}

function paintDigit(canvas, image) {
  paint(canvas, 28, 28, (c, r) => Array(3).fill(255 * image[r * 28 + c]));
}
