#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    standstill_fuzz::changes::changes_attestations(data);
});
