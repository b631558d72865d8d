//! Personal pages in memory.

use std::collections::{HashMap, VecDeque};

use crate::clock::Tick;
use crate::store::owner::Owner;
use crate::store::pages::{NewPage, PageId, PageTimes, StoredPage};

/// The most pages that are remembered; the oldest go first.
const MOST: usize = 10_000;

/// The pages.
#[derive(Debug, Default)]
pub(super) struct Pages {
    by_id: HashMap<PageId, Entry>,
    /// By owner and message.
    by_message: HashMap<(Owner, String), PageId>,
    order: VecDeque<PageId>,
}

#[derive(Debug)]
struct Entry {
    page: NewPage,
    put_at: Tick,
    pressed_at: Option<Tick>,
    ended: bool,
}

impl Pages {
    /// Puts a page in, in place of the one that its person has for the same message.
    pub(super) fn put(&mut self, page: NewPage, now: Tick) {
        let message = (page.owner.clone(), page.message.clone());
        if let Some(before) = self.by_message.insert(message, page.id.clone()) {
            self.by_id.remove(&before);
        }
        self.order.push_back(page.id.clone());
        let entry = Entry { page, put_at: now, pressed_at: None, ended: false };
        self.by_id.insert(entry.page.id.clone(), entry);
        while self.order.len() > MOST {
            self.forget_oldest();
        }
    }

    pub(super) fn get(&self, id: &PageId, now: Tick) -> Option<StoredPage> {
        let entry = self.by_id.get(id)?;
        Some(StoredPage {
            body: entry.page.body.clone(),
            age: now - entry.put_at,
            pressed: entry.pressed_at.map(|pressed_at| now - pressed_at),
            ended: entry.ended,
        })
    }

    /// Takes the press of a page, if there is one.
    pub(super) fn press(&mut self, id: &PageId, times: PageTimes, now: Tick) -> bool {
        let Some(entry) = self.by_id.get_mut(id) else { return false };
        let spent = entry.pressed_at.is_some_and(|pressed_at| now - pressed_at < times.spent);
        let there = !spent && !entry.ended && now - entry.put_at < times.lifetime;
        if there {
            entry.pressed_at = Some(now);
        }
        there
    }

    pub(super) fn release(&mut self, id: &PageId) {
        if let Some(entry) = self.by_id.get_mut(id) {
            entry.pressed_at = None;
        }
    }

    /// Ends a page. Whether that was not done before.
    pub(super) fn end(&mut self, id: &PageId) -> bool {
        self.by_id.get_mut(id).is_some_and(|entry| !std::mem::replace(&mut entry.ended, true))
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.order.pop_front() else { return };
        // One that was replaced is gone already.
        let Some(Entry { page, .. }) = self.by_id.remove(&oldest) else { return };
        self.by_message.remove(&(page.owner, page.message));
    }
}
