//! Courses, discussions, documents and sessions.

use serde_json::{Value, json};

use super::clock::stamp;
use super::faults::Fault;
use super::page::{self, Needle, Page};
use super::reply::{Answer, Outcome};
use super::world::{Item, Room};

const KINDS: &[&str] = &["course", "discussion", "document", "session"];

impl Room<'_> {
    /// One page of the tenant's things; `kind` is fixed on the old paths.
    pub(super) fn resources(&mut self, id: &str, kind: Option<&str>) -> Outcome {
        let tenant = self.active(id)?;
        let page = Page::of(self.call, self.faults)?;
        let asked = page::word(self.call, "type", KINDS);
        let asked = if self.has(Fault::AnyTypeAccepted) { asked.unwrap_or(None) } else { asked? };
        let kind = kind.or(asked);
        let needle = Needle::of(self.call, self.faults)?;
        let mut items = tenant.items.clone();
        if self.has(Fault::M38) || self.has(Fault::ResourcesOfEverybody) {
            items = self.world.tenants.values().flat_map(|tenant| tenant.items.clone()).collect();
        }
        items.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        let filtered = !self.has(Fault::M32) && !self.has(Fault::TypeFilterIgnored);
        items.retain(|item| {
            kind.is_none_or(|kind| item.kind == kind || !filtered)
                && needle.as_ref().is_none_or(|needle| needle.is_in(&item.title))
        });
        let mut rows = page.cut(&items, self.faults);
        if self.has(Fault::ResourceLimitIgnored) {
            rows = items.clone();
        }
        if self.has(Fault::ResourceOffsetIgnored) {
            rows = Page { limit: page.limit, offset: 0 }.cut(&items, self.faults);
        }
        if self.has(Fault::ResourceOffsetIsAPage) {
            rows = Page { limit: page.limit, offset: page.offset - page.offset % page.limit }.cut(&items, self.faults);
        }
        let mut body = json!({
            "tenant_id": id,
            "resource_type": kind,
            "total": if self.has(Fault::ResourceTotalIsPage) { rows.len() } else { items.len() },
            "limit": page.limit,
            "offset": page.offset,
            "items": rows.iter().map(|item| self.item(item)).collect::<Vec<_>>(),
        });
        if self.has(Fault::ResourcesLackTotal) {
            body["total"] = Value::Null;
        }
        if self.has(Fault::ResourcesLackPage) {
            body.as_object_mut().map(|body| (body.remove("limit"), body.remove("offset")));
        }
        if kind.is_none() && self.has(Fault::NoTypeIsCourse) {
            body["resource_type"] = json!("course");
        }
        Ok(Answer::ok(body))
    }

    fn item(&self, item: &Item) -> Value {
        let mut row = json!({
            "id": item.id,
            "type": item.kind,
            "title": item.title,
            "created_by": item.created_by,
            "created_at": stamp(item.created_at),
            "updated_at": null,
            "stats": {"participants": item.title.len(), "discussions": 3, "documents": 2},
        });
        if self.has(Fault::ItemsLackTitle) {
            row["title"] = Value::Null;
        }
        if self.has(Fault::ItemsMadeByGhosts) {
            row["created_by"] = json!("u_nobody");
        }
        if self.has(Fault::NegativeCounts) {
            row["stats"]["participants"] = json!(-1);
        }
        if self.has(Fault::ItemIdsRepeat) {
            row["id"] = json!(item.kind);
        }
        row
    }
}
