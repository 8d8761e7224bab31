//! Reads the layout of a job's description and the version from the headers of the Slurm release that is installed.

use std::path::PathBuf;

fn main() {
    let bindings = bindgen::Builder::default()
        .header_contents("standstill.h", "#include <slurm/slurm.h>\n#include <slurm/slurm_errno.h>\n")
        .allowlist_type("job_desc_msg_t")
        .allowlist_var("SLURM_VERSION_NUMBER|NO_VAL|NO_VAL16|INFINITE|SLURM_SUCCESS|SLURM_ERROR")
        .generate()
        .unwrap_or_else(|error| panic!("cannot read slurm/slurm.h (apt-get install libslurm-dev libclang-dev): {error}"));
    let out = PathBuf::from(std::env::var("OUT_DIR").unwrap_or_default()).join("slurm.rs");
    bindings.write_to_file(&out).unwrap_or_else(|error| panic!("cannot write {}: {error}", out.display()));
    println!("cargo::rerun-if-changed=build.rs");
}
