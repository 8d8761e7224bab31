#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    standstill_fuzz::signals::archive(data);
});
