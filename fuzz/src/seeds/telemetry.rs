//! Seeds of telemetry: small samples in the shape of each source.

use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use standstill_meter::adapter::columns::Overrides;
use standstill_meter::adapter::csv::CsvInput;
use standstill_meter::engine::{Input, Rules, RunOptions, run};
use standstill_meter::{Grid, SourceContract};
use std::sync::Arc;

fn texts<const N: usize>(texts: [&str; N]) -> Vec<Vec<u8>> {
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// Text scrapes.
pub fn scrapes() -> Vec<Vec<u8>> {
    texts([
        "# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).\n# TYPE DCGM_FI_DEV_POWER_USAGE gauge\n\
         DCGM_FI_DEV_POWER_USAGE{gpu=\"0\",UUID=\"GPU-1\",device=\"nvidia0\",modelName=\"NVIDIA H100 80GB HBM3\",Hostname=\"n1\"} 412.5\n\
         DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"0\",UUID=\"GPU-1\",modelName=\"NVIDIA H100 80GB HBM3\",Hostname=\"n1\"} 123456789\n\
         DCGM_FI_PROF_PIPE_TENSOR_ACTIVE{gpu=\"0\",UUID=\"GPU-1\",modelName=\"NVIDIA H100 80GB HBM3\",Hostname=\"n1\",hpc_job=\"77\"} 0.41\n\
         DCGM_FI_PROF_DRAM_ACTIVE{gpu=\"0\",UUID=\"GPU-1\",Hostname=\"n1\"} 2.5e-1 1700000031000\n",
        "up 1\nescaped{a=\"q\\\"uote\\n\\\\\"} +Inf\n",
    ])
}

/// Answers of the range API.
pub fn range_answers() -> Vec<Vec<u8>> {
    texts([
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"DCGM_FI_DEV_POWER_USAGE","UUID":"GPU-1","gpu":"0","Hostname":"n1"},"values":[[1700000000,"400"],[1700000030.5,"410.25"],[1700000060,"NaN"]]},{"metric":{"__name__":"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION","UUID":"GPU-1"},"values":[[1700000000,"1000"],[1700000030,"13000"]]}]}}"#,
        r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#,
    ])
}

fn field(number: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = body.len();
    while length >= 128 {
        bytes.push(u8::try_from(length % 128).unwrap_or(0) | 128);
        length /= 128;
    }
    bytes.push(u8::try_from(length).unwrap_or(0));
    bytes.extend(body);
    bytes
}

/// Remote-write bodies, unpacked and packed.
pub fn remote_writes() -> Vec<Vec<u8>> {
    let label = |name: &str, value: &str| field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat());
    let sample = |value: f64, time: &[u8]| field(2, &[&[9][..], &value.to_le_bytes(), &[16], time].concat());
    let series = field(
        1,
        &[
            label("UUID", "GPU-1"),
            label("__name__", "DCGM_FI_DEV_POWER_USAGE"),
            label("gpu", "0"),
            sample(400.5, &[0x80, 0xd0, 0x95, 0xff, 0xbc, 0x31]),
            sample(f64::NAN, &[0x81, 0xd0, 0x95, 0xff, 0xbc, 0x31]),
        ]
        .concat(),
    );
    let packed = snap::raw::Encoder::new().compress_vec(&series).expect("a small body");
    vec![series.clone(), packed, field(1, &series)]
}

/// Accounting tables.
pub fn sacct_tables() -> Vec<Vec<u8>> {
    texts([
        "JobIDRaw|JobID|State|Start|End|ElapsedRaw|ReqTRES|AllocTRES|NodeList|Comment|AdminComment|SubmitLine\n\
         5|5|COMPLETED|1700000000|1700003600|3600|gres/gpu=16|billing=32,gres/gpu:h100=16,gres/gpu=16,node=2|n[01-02]|class=pretraining run=base||sbatch x.sh\n\
         6|6_1|RUNNING|2023-11-14T22:13:20|Unknown|50|gres/gpu=8|gres/gpu=8|n03||class=rl|\n",
        "job_id,gpus_req,start_time,end_time,state\n532939,4,2023-11-14 22:13:20,2023-11-14 23:13:20,COMPLETED\n",
        "Usage reported in TRES Minutes\nCluster|Account|Login|Proper Name|TRES Name|Used\nc1|root|||gres/gpu|600\nc1|a|alice|Alice|gres/gpu|600\n",
    ])
}

/// JSON accounting.
pub fn sacct_json() -> Vec<Vec<u8>> {
    texts([
        r#"{"meta":{"Slurm":{"version":{"major":22}}},"errors":[],"jobs":[{"job_id":5,"array":{"job_id":0,"task_id":null},"comment":{"administrator":"","job":"class=pretraining run=base","system":""},"nodes":"n[1-2]","state":{"current":"COMPLETED","reason":"None"},"steps":[],"time":{"elapsed":3600,"start":1700000000,"end":1700003600},"tres":{"allocated":[{"type":"gres","name":"gpu","id":1001,"count":16},{"type":"cpu","name":"","id":1,"count":64}]}}]}"#,
        r#"{"errors":[],"jobs":[{"job_id":6,"state":{"current":["RUNNING"]},"time":{"start":{"set":true,"infinite":false,"number":1700000000},"end":{"set":false,"number":0}},"nodes":"n3","submit_line":"sbatch --comment=class=rl x"}]}"#,
    ])
}

/// Node lists and other small languages.
pub fn slurm_words() -> Vec<Vec<u8>> {
    texts([
        "n[001-016,020],gpu-a[1-2]-rack[3-4]",
        "billing=32,gres/gpu:h100=16,gres/gpu=16,node=2",
        "class=pretraining run=base",
        "sbatch --comment='class=rl run=x' job.sh",
        "node,device\nn1,GPU-1\n",
        "2023-11-14T22:13:20.5+01:00",
        "07-17-2024 20:49:56.945",
        "-1.25e3",
    ])
}

/// Power logs and tables.
pub fn power_logs() -> Vec<Vec<u8>> {
    texts([
        "starting\n0: :::MLLOG {\"time_ms\": 1000, \"key\": \"power_reading\", \"value\": 8244.0, \"metadata\": {\"host\":\"node_0\"}}\n\
         0: :::MLLOG {\"time_ms\": 2000, \"key\": \"power_reading\", \"value\": null, \"metadata\": \"\"}\n",
        "Time,07-17-2024 20:49:56.945,Watts,2511.100000,Volts,239.1,Amps,3.6,PF,0.96,Mark,m,Ch1,Watts,849.200000,Volts,239,Ch2,Watts,862.100000,Ch3,Watts,799.800000\n",
        "run_id,node,t_ms,watts\nr1,n1,1000,8244.5\nr1,n1,2000,\n",
    ])
}

/// Request traces.
pub fn request_traces() -> Vec<Vec<u8>> {
    texts([
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n",
        "{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 5, \"hash_ids\": [0, 1]}\n\
         {\"timestamp\": 7, \"input_length\": 1400, \"output_length\": 5, \"hash_ids\": [0, 9, 1]}\n",
    ])
}

/// Job files.
pub fn job_files() -> Vec<Vec<u8>> {
    texts([
        "[job.\"5\"]\nclass = \"pretraining\"\nrun = \"base\"\nformat = \"bf16\"\noperations = 12\noperations_exponent = 20\n\n[job.6]\nclass = \"inference\"\n",
    ])
}

/// Tables of samples.
pub fn sample_tables() -> Vec<Vec<u8>> {
    let mut text =
        "UUID,timestamp_ms,DCGM_FI_PROF_PIPE_TENSOR_ACTIVE,DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION,hpc_job\n".to_owned();
    for row in 0..20_u64 {
        text += &format!(
            "GPU-{},{},0.{},{},77\n",
            row / 10,
            1_700_000_000_000 + row % 10 * 30_000,
            row % 10,
            1_000 + row * 12_000
        );
    }
    vec![text.into_bytes()]
}

/// Partial sums of the sample table.
pub fn partial_sums() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("samples.csv");
    std::fs::write(&path, &sample_tables()[0]).expect("a small file");
    let rules = Rules {
        contract: SourceContract::dcgm(30_000),
        grid: Grid { origin_ms: 1_700_000_000_000, slot_ms: 3_600_000 },
    };
    let input = CsvInput::open(&[path], Overrides::default()).expect("the sample table");
    assert!(input.pieces() > 0);
    let options = RunOptions { threads: 1, ..RunOptions::default() };
    vec![run(&input, &rules, &options).expect("the sample table").encode()]
}

/// A Parquet file with the columns of the sample table.
pub fn parquet_files() -> Vec<Vec<u8>> {
    let schema = "message m { REQUIRED BYTE_ARRAY UUID (UTF8); REQUIRED INT64 timestamp_ms; REQUIRED INT64 energy_mj; REQUIRED INT32 power_mw; }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::new(WriterProperties::new())).expect("a writer");
    let mut group = file.next_row_group().expect("a row group");
    let mut column = group.next_column().expect("a column").expect("UUID");
    let uuids: Vec<ByteArray> = (0..20).map(|row| format!("GPU-{}", row / 10).as_str().into()).collect();
    column.typed::<ByteArrayType>().write_batch(&uuids, None, None).expect("UUID");
    column.close().expect("UUID");
    for factor in [30_000_i64, 12_000_000] {
        let mut column = group.next_column().expect("a column").expect("integers");
        let values: Vec<i64> = (0..20).map(|row| 1_700_000_000_000 + row % 10 * factor).collect();
        column.typed::<Int64Type>().write_batch(&values, None, None).expect("integers");
        column.close().expect("integers");
    }
    let mut column = group.next_column().expect("a column").expect("power");
    column.typed::<Int32Type>().write_batch(&[400_000; 20], None, None).expect("power");
    column.close().expect("power");
    group.close().expect("a row group");
    file.close().expect("a file");
    vec![bytes]
}
