// Numbers as pixels. A canvas has one pixel an entry; CSS enlarges it.

const dark = matchMedia("(prefers-color-scheme: dark)");
const RAMPS = {
  light: { zero: [250, 249, 246], magnitude: [[250, 249, 246], [245, 205, 148], [221, 107, 48], [110, 20, 40]],
           negative: [29, 92, 160], positive: [178, 52, 8], dropped: [220, 221, 225], kept: [185, 59, 10] },
  dark: { zero: [27, 28, 33], magnitude: [[27, 28, 33], [104, 44, 30], [224, 112, 52], [255, 226, 180]],
          negative: [92, 160, 235], positive: [245, 140, 85], dropped: [58, 60, 68], kept: [242, 138, 79] },
};

// 256 colours along a list, so that a pixel is a look-up
function ramp(stops) {
  return Array.from({ length: 256 }, (_, k) => {
    const at = (k / 255) * (stops.length - 1), i = Math.min(Math.floor(at), stops.length - 2);
    return stops[i].map((v, channel) => v + (stops[i + 1][channel] - v) * (at - i));
  });
}

for (const theme of Object.values(RAMPS)) {
  theme.magnitude = ramp(theme.magnitude);
  theme.signed = ramp([theme.negative, theme.zero, theme.positive]);
}
const GREYS = ramp([[0, 0, 0], [255, 255, 255]]);
const colours = () => (dark.matches ? RAMPS.dark : RAMPS.light);

// t in [0, 1] as a colour of a ramp
const along = (colours, t) => colours[Math.round(255 * Math.min(Math.max(t, 0), 1))];

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
  const { signed } = colours();
  paint(canvas, n, n, (c, r) => along(signed, 0.5 + map[r * n + c] / (2 * top)));
}

function paintDigit(canvas, image) {
  paint(canvas, 28, 28, (c, r) => along(GREYS, image[r * 28 + c]));
}

const paintRamp = (canvas, colours) => paint(canvas, 64, 1, (c) => along(colours, c / 63));
