"""Decisions of a byte or two, packed eight a byte, a plane for each binary digit; all planes in one kernel."""

from specframe.backend.kernel import Kernel

PACK = Kernel("pack_bits", """
extern "C" __global__ void pack_bits(const unsigned char *decisions, unsigned char *planes, long long bytes,
                                     long long digits, long long count, long long width) {
    EACH(i, digits * bytes) {                                // byte i % bytes of the plane of digit i / bytes
        int digit = i / bytes, byte = 0;
        for (int bit = 0; bit < 8; bit++) {
            long long j = i % bytes * 8 + bit;
            if (j >= count) continue;
            int decision = width == 1 ? decisions[j] : ((const unsigned short *)decisions)[j];
            byte |= (decision >> digit & 1) << (7 - bit);    // the first in the highest bit, as NumPy packs
        }
        planes[i] = byte;
    }
}
""")  # fmt: skip

UNPACK = Kernel("unpack_bits", """
extern "C" __global__ void unpack_bits(const unsigned char *planes, unsigned char *decisions, long long bytes,
                                       long long digits, long long count, long long width) {
    EACH(j, count) {
        int decision = 0;
        for (int digit = 0; digit < digits; digit++)
            decision |= (planes[digit * bytes + j / 8] >> (7 - j % 8) & 1) << digit;
        if (width == 1) decisions[j] = decision; else ((unsigned short *)decisions)[j] = decision;
    }
}
""")  # fmt: skip
