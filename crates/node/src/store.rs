//! Where a log's bytes live: files with SQLite, an S3-compatible object store, PostgreSQL.
