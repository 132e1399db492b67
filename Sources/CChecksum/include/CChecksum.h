#ifndef STAFFETTA_CCHECKSUM_H
#define STAFFETTA_CCHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// Continues the CRC-32C (Castagnoli, RFC 3720 section 12.1) `crc` over `count` more bytes; a checksum starts with 0.
uint32_t staffetta_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by table, for processors without the instruction; tests compare the two.
uint32_t staffetta_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
