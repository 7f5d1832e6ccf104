//! A rough picture of where a task stands, to tell new ways from old ones.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use super::Model;
use super::parts::Active;

impl Model {
    pub(crate) fn shape(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let kinds = (discriminant(&self.link), discriminant(&self.active));
        let sides = (discriminant(&self.read_side), discriminant(&self.write_side));
        let ends = (self.over.as_ref().map(discriminant), self.broken.is_some(), self.is_abandoned);
        (kinds, sides, ends, self.suspensions.min(2)).hash(&mut hasher);
        for layer in self.layers.iter().rev().take(3) {
            let end = layer.end.as_ref().map(discriminant);
            (layer.is_secure, layer.bytes.is_empty(), end).hash(&mut hasher);
        }
        for barrier in self.barriers.iter().take(3) {
            discriminant(&barrier.call).hash(&mut hasher);
        }
        let lanes = (self.reads.len().min(2), self.writes.len().min(2), self.out.len().min(2));
        let dropped = (self.unlooked.len().min(2), self.given_back.len().min(2));
        let told = (self.seen_end.is_some(), self.is_read_closed_told, self.is_write_closed_told);
        (lanes, dropped, told, self.behind.len().min(2)).hash(&mut hasher);
        let is_asked = matches!(self.active, Active::Handshake { asked: Some(_), .. });
        (self.is_stepping(), is_asked).hash(&mut hasher);
        hasher.finish()
    }
}
