//! Usage: what counts once, where a session counts, and every figure.

mod counting;
mod figures;

use std::sync::Arc;

use mt_paas_core::store::Store;

use counting::{
    a_batch_of_known_events_adds_nothing, a_late_earlier_event_moves_its_session,
    a_later_event_does_not_move_its_session, a_session_counts_once, an_id_counts_once,
    an_id_counts_once_when_many_record_it_at_once, an_unknown_tenant_takes_no_usage, ids_are_those_of_one_tenant,
    large_batches_count_whole, of_equal_times_the_smaller_id_is_first, sessions_count_once_when_many_record_at_once,
    the_first_of_two_with_one_id_counts,
};
use figures::{
    a_change_of_the_zone_counts_again, a_day_begins_where_the_tenant_lives, a_deleted_user_leaves_lists_and_not_totals,
    a_window_is_its_days_and_no_others, an_audit_of_a_good_store_finds_nothing, costs_agree_with_stats,
    events_without_user_or_model_count, figures_are_those_of_the_calendar, hours_are_in_order_and_whole,
    models_without_a_price_are_named, new_users_are_those_since_the_moment, no_usage_is_all_zeros, storage_is_a_gauge,
    ten_users_cost_most_in_order, top_users_are_in_order,
};

super::tests!("usage":
    an_unknown_tenant_takes_no_usage,
    an_id_counts_once,
    the_first_of_two_with_one_id_counts,
    a_batch_of_known_events_adds_nothing,
    an_id_counts_once_when_many_record_it_at_once,
    ids_are_those_of_one_tenant,
    large_batches_count_whole,
    a_session_counts_once,
    a_later_event_does_not_move_its_session,
    a_late_earlier_event_moves_its_session,
    of_equal_times_the_smaller_id_is_first,
    sessions_count_once_when_many_record_at_once,
    no_usage_is_all_zeros,
    a_window_is_its_days_and_no_others,
    events_without_user_or_model_count,
    storage_is_a_gauge,
    a_deleted_user_leaves_lists_and_not_totals,
    models_without_a_price_are_named,
    ten_users_cost_most_in_order,
    top_users_are_in_order,
    new_users_are_those_since_the_moment,
    costs_agree_with_stats,
    hours_are_in_order_and_whole,
    a_day_begins_where_the_tenant_lives,
    a_change_of_the_zone_counts_again,
    figures_are_those_of_the_calendar,
    an_audit_of_a_good_store_finds_nothing,
);

type Subject = Arc<dyn Store>;
