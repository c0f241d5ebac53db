# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: audit_daily {
  label: "Audit daily"
  sql_table_name: marts.audit_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.audit_date as string), ''), '|', coalesce(cast(${TABLE}.stream as string), '')) ;;
  }

  dimension: stream {
    type: string
    description: "Audit stream; (not recorded) for money events that have no record."
    sql: ${TABLE}.stream ;;
  }

  dimension: first_seq {
    type: number
    description: "First number of the day; null where there is only a finding."
    sql: ${TABLE}.first_seq ;;
  }

  dimension: last_seq {
    type: number
    description: "Last number of the day; likewise."
    sql: ${TABLE}.last_seq ;;
  }

  dimension: legal_holds {
    type: number
    description: "Legal holds placed and not released that cover the day, those that cover all days too."
    sql: ${TABLE}.legal_holds ;;
  }

  dimension_group: audit {
    type: time
    description: "UTC day of the record, or of the event that should have one; the partition."
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
    sql: ${TABLE}.audit_date ;;
  }

  dimension_group: oldest_record {
    type: time
    description: "Oldest day of the stream of which the audit log keeps a record; null: it keeps none."
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
    sql: ${TABLE}.oldest_record_date ;;
  }

  dimension_group: as_of {
    type: time
    description: "Time of the newest record or finding counted."
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
    sql: ${TABLE}.as_of_time ;;
  }

  measure: events {
    type: sum
    description: "Numbers of the stream with a record on the day; one used twice counts once."
    sql: ${TABLE}.events ;;
  }

  measure: max_first_seq {
    type: max
    description: "First number of the day; null where there is only a finding."
    sql: ${TABLE}.first_seq ;;
  }

  measure: max_last_seq {
    type: max
    description: "Last number of the day; likewise."
    sql: ${TABLE}.last_seq ;;
  }

  measure: sequence_gaps {
    type: sum
    description: "Gaps in the numbers that records of the day show."
    sql: ${TABLE}.sequence_gaps ;;
  }

  measure: missing_records {
    type: sum
    description: "Numbers that these gaps lack."
    sql: ${TABLE}.missing_records ;;
  }

  measure: repeated_sequences {
    type: sum
    description: "Numbers used twice."
    sql: ${TABLE}.repeated_sequences ;;
  }

  measure: chain_breaks {
    type: sum
    description: "Hashes that don't follow from the record before, or don't fit the record."
    sql: ${TABLE}.chain_breaks ;;
  }

  measure: money_events_without_record {
    type: sum
    description: "Money events on the chain without an audit record."
    sql: ${TABLE}.money_events_without_record ;;
  }

  measure: records_without_money_event {
    type: sum
    description: "Audit records of money without an event on the chain."
    sql: ${TABLE}.records_without_money_event ;;
  }

  measure: sealed_events {
    type: sum
    description: "Records of the day under a seal when the day was last built; the night seals after it builds, so they show from the night after. Null: none is sealed."
    sql: ${TABLE}.sealed_events ;;
  }

  measure: max_legal_holds {
    type: max
    description: "Legal holds placed and not released that cover the day, those that cover all days too."
    sql: ${TABLE}.legal_holds ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
