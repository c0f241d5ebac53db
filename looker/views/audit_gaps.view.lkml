# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: audit_gaps {
  label: "Audit gaps"
  sql_table_name: marts.audit_gaps ;;

  dimension: finding_id {
    type: string
    description: "Stable id of the finding."
    sql: ${TABLE}.finding_id ;;
  }

  dimension: kind {
    type: string
    description: "sequence_gap, repeated_sequence, broken_link, hash_mismatch, clock_back, missing_heartbeat, money_event_without_audit_record or audit_record_without_money_event."
    sql: ${TABLE}.kind ;;
  }

  dimension: stream {
    type: string
    description: "Audit stream; null for a money event that has no record."
    sql: ${TABLE}.stream ;;
  }

  dimension: from_seq {
    type: number
    description: "First number concerned."
    sql: ${TABLE}.from_seq ;;
  }

  dimension: to_seq {
    type: number
    description: "Last number concerned."
    sql: ${TABLE}.to_seq ;;
  }

  dimension: missing {
    type: string
    description: "Missing numbers, `17` or `17-19`; null for other kinds."
    sql: ${TABLE}.missing ;;
  }

  dimension: signature {
    type: string
    description: "Transaction, for findings about money."
    sql: ${TABLE}.signature ;;
  }

  dimension: action {
    type: string
    description: "Canonical event, for findings about money."
    sql: ${TABLE}.action ;;
  }

  dimension: match_id {
    type: string
    description: "Match, where one is named."
    sql: ${TABLE}.match_id ;;
  }

  dimension: mint {
    type: string
    description: "Mint."
    sql: ${TABLE}.mint ;;
  }

  dimension: symbol {
    type: string
    description: "Symbol of the mint, null where it isn't configured."
    sql: ${TABLE}.symbol ;;
  }

  dimension: detail {
    type: string
    description: "What is wrong, for a person."
    sql: ${TABLE}.detail ;;
  }

  dimension_group: finding {
    type: time
    description: "UTC day of the record or event that shows it; the partition."
    timeframes: [
      raw,
      date,
      week,
      month,
      quarter,
      year,
    ]
    convert_tz: no
    datatype: date
    sql: ${TABLE}.finding_date ;;
  }

  dimension_group: happened {
    type: time
    description: "Time of the record or event that shows it."
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
    sql: ${TABLE}.happened_at ;;
  }

  measure: max_from_seq {
    type: max
    description: "First number concerned."
    sql: ${TABLE}.from_seq ;;
  }

  measure: max_to_seq {
    type: max
    description: "Last number concerned."
    sql: ${TABLE}.to_seq ;;
  }

  measure: amount {
    type: sum
    description: "Base units of one event, for findings about money."
    sql: ${TABLE}.amount ;;
  }

  measure: occurrences {
    type: sum
    description: "Missing numbers or heartbeats, or how many events or records are without their other half."
    sql: ${TABLE}.occurrences ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
