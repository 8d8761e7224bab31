//! The mirror role (C2SP tlog-mirror): cosigns only what it holds, blobs included.
