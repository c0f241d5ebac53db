# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: stripe_exceptions {
  label: "Stripe exceptions"
  sql_table_name: marts.stripe_exceptions ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.finding_id as string), '')) ;;
  }

  dimension: finding_id {
    type: string
    description: "Stable id of the exception."
    sql: ${TABLE}.finding_id ;;
  }

  dimension: stripe_id {
    type: string
    description: "Stripe's id of the charge, refund, dispute or payout."
    sql: ${TABLE}.stripe_id ;;
  }

  dimension: reason {
    type: string
    description: "Reason code, as in stripe_reconciliation."
    sql: ${TABLE}.reason ;;
  }

  dimension: currency {
    type: string
    description: "Currency."
    sql: ${TABLE}.currency ;;
  }

  dimension: decimals {
    type: number
    description: "Decimals of its minor units."
    sql: ${TABLE}.decimals ;;
  }

  dimension: first_seq {
    type: number
    description: "First number of the platform's records of it."
    sql: ${TABLE}.first_seq ;;
  }

  dimension: last_seq {
    type: number
    description: "Last number."
    sql: ${TABLE}.last_seq ;;
  }

  dimension: state {
    type: string
    description: "open, explained or closed."
    sql: ${TABLE}.state ;;
  }

  dimension: closing_reason {
    type: string
    description: "Why it isn't open: agrees_again, or the reason that a person gave."
    sql: ${TABLE}.closing_reason ;;
  }

  dimension: note {
    type: string
    description: "What the person said; names nobody."
    sql: ${TABLE}.note ;;
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

  dimension_group: first_seen {
    type: time
    description: "The earlier of the record's and the object's time."
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
    sql: ${TABLE}.first_seen_at ;;
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

  measure: amount {
    type: sum
    description: "Difference in minor units, as last found."
    sql: ${TABLE}.amount ;;
    required_fields: [currency]
  }

  measure: amount_in_units {
    type: sum
    description: "Difference in minor units, as last found. In whole units of the currency."
    sql: ${TABLE}.amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: max_first_seq {
    type: max
    description: "First number of the platform's records of it."
    sql: ${TABLE}.first_seq ;;
  }

  measure: max_last_seq {
    type: max
    description: "Last number."
    sql: ${TABLE}.last_seq ;;
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
