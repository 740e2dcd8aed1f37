"""Exercise 4: two by two, by hand.

    A = ( 1      2i )      z = ( 2 + i )      y = A z,      L = |y[0]|^2 + Re y[1]
        ( 1 - i  3  )          ( 1     )

With paper and pencil: the gradients g = dL/dRe + i dL/dIm of L with respect to y and to z, and h_z, what a program of
the other convention (h = dL/dRe - i dL/dIm) would hold for z. Fill in lists of two complex numbers, as [1 + 2j, 3].
"""

g_y = None
g_z = None
h_z = None
