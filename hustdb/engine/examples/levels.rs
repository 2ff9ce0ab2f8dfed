//! Prints what several shapes of levels cost under random writes.
#![allow(clippy::print_stdout, reason = "it is its purpose")]

use hust_engine::compaction::{
    LevelConfig,
    simulate::{Setup, Workload, simulate},
};

const MIB: u64 = 1 << 20;

fn main() {
    println!(
        "rows of 80 B; memtable 4 MiB, table 2 MiB; 1 M keys (80 MB) overwritten 5 times, or 2 M inserted"
    );
    println!("base MiB  fanout  trigger | work       write  worst   avg  space  files  levels");
    for (base_mib, fanout, l0_trigger) in
        [(16, 10, 4), (32, 10, 4), (64, 10, 4), (32, 6, 4), (32, 20, 4), (32, 10, 2), (32, 10, 8), (4, 10, 4)]
    {
        for (name, workload, writes) in [
            ("overwrite", Workload::Overwrite { keys: 1_000_000 }, 5_000_000),
            ("insert", Workload::Insert, 2_000_000),
        ] {
            let levels = LevelConfig {
                base_bytes: base_mib * MIB,
                fanout,
                l0_trigger,
                table_bytes: 2 * MIB,
                ..LevelConfig::default()
            };
            let row_bytes = 80;
            let memtable_rows = (4 * MIB / row_bytes) as usize;
            let costs = simulate(&Setup { workload, writes, memtable_rows, row_bytes, seed: 1, levels });
            println!(
                "{base_mib:8}  {fanout:6}  {l0_trigger:7} | {name:9} {:6.2} {:6} {:5.2} {:6.2} {:6} {:7}",
                costs.write_amp,
                costs.tables_worst,
                costs.tables_avg,
                costs.space_amp,
                costs.files,
                costs.levels
            );
        }
    }
}
