//! Files whose checksums are right and whose content is not: any answer or error, but no panic and no runaway.

use super::*;
use crate::table::layout::{FOOTER_BYTES, PROPERTIES_BYTES, lead_with_crc, u64_at};

/// Runs every reader; what they answer does not matter.
fn exercise(fixture: &Fixture, keys: &[Key]) {
    let Ok(table) = fixture.open() else { return };
    let mut cursor = table.cursor();
    for key in keys {
        let _ = table.get(key, key.filter_hash(), Cold::Read);
        let _ = cursor.seek(key).and_then(|()| cursor.next()).and_then(|()| cursor.row().map(|_| ()));
        let _ =
            cursor.seek_for_prev(key).and_then(|()| cursor.prev()).and_then(|()| cursor.row().map(|_| ()));
        // Also what a block looks like that went bad after it was checked.
        for number in 0..table.index.blocks().len() {
            if let Ok(block) = table.view(number) {
                let guess = table.index.guess(*key, number, &table.index.blocks()[number]);
                let row = block.keys.search(*key, guess).unwrap_or_else(|row| row);
                let _ = block.row(row, block.stored_payload());
                let _ = block.keys.key(row);
                let _ = block.decompress();
            }
        }
    }
    let _ = table.verify();
}

#[test]
fn crafted_blocks_and_sections_do_no_harm() {
    for seed in 1..=4 {
        println!("seed {seed}");
        let mut rng = Rng(seed);
        let mut model = rng.model(60);
        model.retain(|_, row| row.row().inline_bytes() < 500);
        let fixture = Fixture::build(&model, 1000, seed % 2 == 0);
        let good = fixture.bytes();
        let keys: Vec<Key> = model.keys().copied().chain((0..20).map(|_| rng.key())).collect();
        let table = fixture.open().unwrap();
        let mut parts: Vec<(usize, usize)> =
            table.index.blocks().iter().map(|block| (block.offset as usize, block.len as usize)).collect();
        drop(table);
        let footer = good.len() - FOOTER_BYTES;
        for at in [0, 16] {
            parts.push((u64_at(&good, footer + at) as usize, u64_at(&good, footer + at + 8) as usize));
        }
        parts.push((footer - PROPERTIES_BYTES, PROPERTIES_BYTES));
        for _ in 0..3000 {
            let (start, len) = parts[rng.below(parts.len() as u64) as usize];
            let mut bad = good[start..start + len].to_vec();
            for _ in 0..1 + rng.below(3) {
                let end = if rng.below(2) == 0 { len.min(120) } else { len };
                let at = 4 + rng.below(end as u64 - 4) as usize;
                bad[at] = [0, 1, 8, 0x7f, 0xff, rng.next() as u8][rng.below(6) as usize];
            }
            lead_with_crc(&mut bad);
            fixture.file.write_all_at(&bad, start as u64).unwrap();
            exercise(&fixture, &keys);
            fixture.file.write_all_at(&good[start..start + len], start as u64).unwrap();
        }
    }
}
