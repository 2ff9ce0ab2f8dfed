//! Checks a node again and again.

use std::{sync::Arc, time::Duration};

use hust_wire::health;
use tokio::time::{sleep, timeout};

use super::node::Backend;
use crate::keeper::Keeper;

/// A node that cannot be asked is checked this often.
const DOWN_INTERVAL: Duration = Duration::from_millis(500);
/// Alarms do not make checks more frequent than this.
const PAUSE: Duration = Duration::from_millis(50);

/// Checks a node once.
pub async fn check(keeper: &Keeper, backend: &Backend) {
    let event = health::check(&keeper.pool, &backend.host, keeper.health.timeout()).await;
    if backend.observe(event) {
        keeper.risen.notify_one();
    }
}

/// Checks a node until the program ends.
pub async fn watch(keeper: Arc<Keeper>, backend: Arc<Backend>) {
    let interval = keeper.health.interval();
    loop {
        let wait = if backend.is_live() { interval } else { interval.min(DOWN_INTERVAL) };
        sleep(PAUSE.min(wait)).await;
        // Either way it is time.
        let _ = timeout(wait, backend.alarm.notified()).await;
        check(&keeper, &backend).await;
    }
}
