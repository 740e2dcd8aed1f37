"""Exercise 4: two by two, by hand. The solution.

Forward:     y[0] = (2 + i) + 2i = 2 + 3i        y[1] = (1 - i)(2 + i) + 3 = 6 - i        L = 13 + 6 = 19

|y[0]|^2 = Re^2 + Im^2 has the slopes 2 Re and 2 Im: its gradient is 2 y[0] = 4 + 6i.
Re y[1] has the slopes 1 and 0: its gradient is 1. That y[1] has an imaginary part does not matter.

Backward:    g_z = A^H g_y,      A^H = ( 1    1 + i )
                                       ( -2i  3     )

    g_z[0] = (4 + 6i) + (1 + i) = 5 + 7i
    g_z[1] = -2i (4 + 6i) + 3 = -8i + 12 + 3 = 15 - 8i

The other convention holds the conjugate of the whole array.
"""

g_y = [4 + 6j, 1]
g_z = [5 + 7j, 15 - 8j]
h_z = [5 - 7j, 15 + 8j]
