internal import Glibc

/// Hands what was printed to whoever reads it, also through a pipe.
func flushOutput() { fflush(nil) }
