# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: audit_gap_log {
  label: "Audit gap log"
  sql_table_name: marts.audit_gap_log ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.finding_id as string), '')) ;;
  }

  dimension: finding_id {
    type: string
    description: "Stable id of the gap."
    sql: ${TABLE}.finding_id ;;
  }

  dimension: kind {
    type: string
    description: "sequence_gap, repeated_sequence, broken_link, hash_mismatch, clock_back, missing_heartbeat, money_event_without_audit_record, audit_record_without_money_event, truncated_transaction or missing_minutes."
    sql: ${TABLE}.kind ;;
  }

  dimension: stream {
    type: string
    description: "platform/<stream>, chain/<program> or logpush/<dataset>; null for a money event that has no record."
    sql: ${TABLE}.stream ;;
  }

  dimension: signature {
    type: string
    description: "Transaction, for gaps of money."
    sql: ${TABLE}.signature ;;
  }

  dimension: match_id {
    type: string
    description: "Match, where one is named."
    sql: ${TABLE}.match_id ;;
  }

  dimension: unit {
    type: string
    description: "Mint of the amount."
    sql: ${TABLE}.unit ;;
  }

  dimension: decimals {
    type: number
    description: "Decimals of the mint."
    sql: ${TABLE}.decimals ;;
  }

  dimension: cause {
    type: string
    description: "object_missing, object_late, source_silent, transaction_truncated or log_truncated; null where it isn't known."
    sql: ${TABLE}.cause ;;
  }

  dimension: detail {
    type: string
    description: "What is wrong, for a person."
    sql: ${TABLE}.detail ;;
  }

  dimension: state {
    type: string
    description: "open, explained or closed."
    sql: ${TABLE}.state ;;
  }

  dimension: reason {
    type: string
    description: "Why it isn't open: agrees_again, or the reason that a person gave."
    sql: ${TABLE}.reason ;;
  }

  dimension: decided_by {
    type: string
    description: "Role of who explained or closed it; warehouse where the data agree again."
    sql: ${TABLE}.decided_by ;;
  }

  dimension: age_hours {
    type: number
    description: "Whole hours from its own time to its end, or to what the data are complete up to."
    sql: ${TABLE}.age_hours ;;
  }

  dimension_group: opened {
    type: time
    description: "Time of the record, event or minute that it begins with."
    timeframes: [
      raw,
      time,
      minute5,
      hour,
      date,
      week,
      month,
    ]
    convert_tz: no
    datatype: timestamp
    sql: ${TABLE}.opened_at ;;
  }

  dimension_group: ended {
    type: time
    description: "End of missing minutes; null for other kinds."
    timeframes: [
      raw,
      time,
      minute5,
      hour,
      date,
      week,
      month,
    ]
    convert_tz: no
    datatype: timestamp
    sql: ${TABLE}.ended_at ;;
  }

  dimension_group: first_found {
    type: time
    description: "The build that first found it was complete up to here."
    timeframes: [
      raw,
      time,
      minute5,
      hour,
      date,
      week,
      month,
    ]
    convert_tz: no
    datatype: timestamp
    sql: ${TABLE}.first_found_at ;;
  }

  dimension_group: closed {
    type: time
    description: "When it was closed: of a gap or drift that has gone, what the build was complete up to."
    timeframes: [
      raw,
      time,
      minute5,
      hour,
      date,
      week,
      month,
    ]
    convert_tz: no
    datatype: timestamp
    sql: ${TABLE}.closed_at ;;
  }

  measure: range_from {
    type: sum
    description: "First number (or slot) concerned."
    sql: ${TABLE}.range_from ;;
  }

  measure: range_to {
    type: sum
    description: "Last one."
    sql: ${TABLE}.range_to ;;
  }

  measure: occurrences {
    type: sum
    description: "Missing numbers, minutes or heartbeats, or events and records without their other half."
    sql: ${TABLE}.occurrences ;;
  }

  measure: amount {
    type: sum
    description: "Base units of one event, for gaps of money."
    sql: ${TABLE}.amount ;;
    required_fields: [unit]
  }

  measure: amount_in_units {
    type: sum
    description: "Base units of one event, for gaps of money. In whole units of the unit."
    sql: ${TABLE}.amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [unit]
  }

  measure: max_age_hours {
    type: max
    description: "Whole hours from its own time to its end, or to what the data are complete up to."
    sql: ${TABLE}.age_hours ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
