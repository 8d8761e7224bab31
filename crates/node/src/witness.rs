//! The witness role (C2SP tlog-witness).
