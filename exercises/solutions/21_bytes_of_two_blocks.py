"""Exercise 21: predict the bytes, then print the ledger. The solution.

X is needed in the backward (gK = X^H gY), but it is rfft2 of something: the tape keeps the recipe, and X costs 0.
What it is made of must be kept: for the first block the images, which the caller holds anyway (borrowed, 0); for the
second the pooled map, which nobody else holds: 14 x 14 x 16 x 6 numbers of 4 bytes. It is what the slogan "Z is all"
forgets.

Z is a half spectrum: W // 2 + 1 columns, complex64, 8 bytes.

The pooling keeps who won: one of four, two bits for each window. The weights are borrowed from the net.

With recompute="block" the pooled map is made again too: from Z by irfft2, and from the winners, which are kept anyway.
"""

X_OF_FIRST = 0
Z_OF_FIRST = 28 * 15 * 16 * 6 * 8
WINNER_OF_FIRST = 14 * 14 * 16 * 6 * 2 // 8
X_OF_SECOND = 0
POOLED_MAP = 14 * 14 * 16 * 6 * 4
Z_OF_SECOND = 14 * 8 * 16 * 16 * 8
WINNER_OF_SECOND = 7 * 7 * 16 * 16 * 2 // 8
TOTAL = Z_OF_FIRST + WINNER_OF_FIRST + POOLED_MAP + Z_OF_SECOND + WINNER_OF_SECOND
TOTAL_RECOMPUTED = TOTAL - POOLED_MAP
