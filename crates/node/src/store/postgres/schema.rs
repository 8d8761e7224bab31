//! Tables and statements.

/// Tables; harmless when they exist.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS standstill_turn (
    origin text PRIMARY KEY, next bigint NOT NULL, writer bigint NOT NULL);
CREATE TABLE IF NOT EXISTS standstill_head (
    origin text PRIMARY KEY, size bigint NOT NULL, checkpoint bytea NOT NULL, signed_unix_seconds bigint NOT NULL);
CREATE TABLE IF NOT EXISTS standstill_staged (
    origin text NOT NULL, first bigint NOT NULL, count bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (origin, first));
CREATE TABLE IF NOT EXISTS standstill_file (
    origin text NOT NULL, name text NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (origin, name));
CREATE TABLE IF NOT EXISTS standstill_blob (sha256 bytea PRIMARY KEY, length bigint NOT NULL);
CREATE TABLE IF NOT EXISTS standstill_blob_part (
    sha256 bytea NOT NULL, part integer NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (sha256, part));
";

/// Statements. Those that change a log do so only for the present writer.
pub(super) mod sql {
    pub(in super::super) const FIRST_TURN: &str =
        "INSERT INTO standstill_turn (origin, next, writer) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING";
    pub(in super::super) const NEXT_WRITER: &str =
        "UPDATE standstill_turn SET writer = writer + 1 WHERE origin = $1 RETURNING writer";
    pub(in super::super) const TURN: &str = "SELECT next FROM standstill_turn WHERE origin = $1";
    /// Takes the turn and keeps the batch, or does neither.
    pub(in super::super) const STAGE: &str = "
        WITH turn AS (UPDATE standstill_turn SET next = next + $3 WHERE origin = $1 AND next = $2 AND writer = $4 RETURNING 1)
        INSERT INTO standstill_staged (origin, first, count, body) SELECT $1, $2, $3, $5 FROM turn";
    pub(in super::super) const STAGED_AT: &str = "SELECT body FROM standstill_staged WHERE origin = $1 AND first = $2";
    pub(in super::super) const STAGED: &str =
        "SELECT first, count, body FROM standstill_staged WHERE origin = $1 ORDER BY first";
    pub(in super::super) const HEAD: &str =
        "SELECT checkpoint, signed_unix_seconds FROM standstill_head WHERE origin = $1";
    pub(in super::super) const FIRST_HEAD: &str = "
        INSERT INTO standstill_head (origin, size, checkpoint, signed_unix_seconds)
        SELECT $1, $2, $3, $4 FROM standstill_turn WHERE origin = $1 AND writer = $5 ON CONFLICT DO NOTHING";
    pub(in super::super) const SWAP_HEAD: &str = "
        UPDATE standstill_head SET size = $2, checkpoint = $3, signed_unix_seconds = $4
        WHERE origin = $1 AND checkpoint = $6 AND size < $2
        AND EXISTS (SELECT 1 FROM standstill_turn WHERE origin = $1 AND writer = $5)";
    pub(in super::super) const TILES: &str = "
        INSERT INTO standstill_file (origin, name, bytes)
        SELECT $1, name, bytes FROM unnest($2::text[], $3::bytea[]) AS written (name, bytes)
        WHERE EXISTS (SELECT 1 FROM standstill_turn WHERE origin = $1 AND writer = $4)
        ON CONFLICT (origin, name) DO UPDATE SET bytes = excluded.bytes";
    pub(in super::super) const TRIM: &str = "
        DELETE FROM standstill_staged WHERE origin = $1 AND first + count <= $2
        AND EXISTS (SELECT 1 FROM standstill_turn WHERE origin = $1 AND writer = $3)";
    pub(in super::super) const READ: &str = "SELECT bytes FROM standstill_file WHERE origin = $1 AND name = $2";
    pub(in super::super) const BLOB_PART: &str =
        "INSERT INTO standstill_blob_part (sha256, part, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    pub(in super::super) const BLOB_DONE: &str =
        "INSERT INTO standstill_blob (sha256, length) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    pub(in super::super) const BLOB_LENGTH: &str = "SELECT length FROM standstill_blob WHERE sha256 = $1";
    pub(in super::super) const BLOB_READ: &str =
        "SELECT bytes FROM standstill_blob_part WHERE sha256 = $1 AND part BETWEEN $2 AND $3 ORDER BY part";
}
