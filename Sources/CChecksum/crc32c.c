#include "CChecksum.h"

#include <string.h>

static uint32_t tables[8][256];

/// Fills the tables before anything else runs, so that no call has to ask whether they are filled.
__attribute__((constructor)) static void fill_tables(void) {
    for (uint32_t value = 0; value < 256; value++) {
        uint32_t crc = value;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78u : 0);
        }
        tables[0][value] = crc;
    }
    for (uint32_t value = 0; value < 256; value++) {
        for (int table = 1; table < 8; table++) {
            uint32_t before = tables[table - 1][value];
            tables[table][value] = (before >> 8) ^ tables[0][before & 0xFF];
        }
    }
}

uint32_t staffetta_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    crc = ~crc;
    for (; count >= 8; count -= 8, next += 8) {
        uint32_t low = crc ^ ((uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 | (uint32_t)next[3] << 24);
        crc = tables[7][low & 0xFF] ^ tables[6][low >> 8 & 0xFF] ^ tables[5][low >> 16 & 0xFF] ^ tables[4][low >> 24]
            ^ tables[3][next[4]] ^ tables[2][next[5]] ^ tables[1][next[6]] ^ tables[0][next[7]];
    }
    for (; count > 0; count--, next++) {
        crc = (crc >> 8) ^ tables[0][(crc ^ *next) & 0xFF];
    }
    return ~crc;
}

#if defined(__x86_64__)

#define HARDWARE_TARGET __attribute__((target("sse4.2")))
#define CRC_8(crc, value) (uint32_t) __builtin_ia32_crc32di(crc, value)
#define CRC_1(crc, value) __builtin_ia32_crc32qi(crc, value)

static int has_hardware(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2");
}

#elif defined(__aarch64__) && defined(__linux__)

#include <arm_acle.h>
#include <sys/auxv.h>

#define HARDWARE_TARGET __attribute__((target("crc")))
#define CRC_8(crc, value) __crc32cd(crc, value)
#define CRC_1(crc, value) __crc32cb(crc, value)

static int has_hardware(void) { return (getauxval(AT_HWCAP) & (1 << 7)) != 0; }

#endif

#ifdef HARDWARE_TARGET

HARDWARE_TARGET static uint32_t by_instruction(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    crc = ~crc;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t value;
        memcpy(&value, next, 8);
        crc = CRC_8(crc, value);
    }
    for (; count > 0; count--, next++) {
        crc = CRC_1(crc, *next);
    }
    return ~crc;
}

static int hardware;

__attribute__((constructor)) static void detect(void) { hardware = has_hardware(); }

uint32_t staffetta_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return hardware ? by_instruction(crc, bytes, count) : staffetta_crc32c_portable(crc, bytes, count);
}

#else

uint32_t staffetta_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return staffetta_crc32c_portable(crc, bytes, count);
}

#endif
