# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: stripe_reconciliation {
  label: "Stripe reconciliation"
  sql_table_name: marts.stripe_reconciliation ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.stripe_id as string), '')) ;;
  }

  dimension: stripe_id {
    type: string
    description: "Stripe's id of the charge, refund, dispute or payout."
    sql: ${TABLE}.stripe_id ;;
  }

  dimension: object_type {
    type: string
    description: "charge, refund, dispute or payout."
    sql: ${TABLE}.object_type ;;
  }

  dimension: account {
    type: string
    description: "Stripe account; empty where the object is missing."
    sql: ${TABLE}.account ;;
  }

  dimension: reason {
    type: string
    description: "matched, in_flight, pending_payout; or missing_in_stripe, missing_in_platform, missing_object, duplicate, currency_differs, amount_differs, status_differs, missing_balance_transaction, balance_differs, payout_returned, payout_overdue."
    sql: ${TABLE}.reason ;;
  }

  dimension: is_exception {
    type: yesno
    description: "The reason is none of the first three."
    sql: ${TABLE}.is_exception ;;
  }

  dimension: currency {
    type: string
    description: "Currency of the object, else of the record."
    sql: ${TABLE}.currency ;;
  }

  dimension: decimals {
    type: number
    description: "Decimals of its minor units."
    sql: ${TABLE}.decimals ;;
  }

  dimension: stated_currency {
    type: string
    description: "Currency by the platform's records."
    sql: ${TABLE}.stated_currency ;;
  }

  dimension: balance_amount {
    type: number
    description: "Minor units by its balance transactions, with sign."
    sql: ${TABLE}.balance_amount ;;
  }

  dimension: status {
    type: string
    description: "Status of the object."
    sql: ${TABLE}.status ;;
  }

  dimension: balance_transactions {
    type: number
    description: "Its balance transactions."
    sql: ${TABLE}.balance_transactions ;;
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

  dimension: payout_id {
    type: string
    description: "Payout that took it to the bank; null until there is one."
    sql: ${TABLE}.payout_id ;;
  }

  dimension: payout_status {
    type: string
    description: "Status of that payout."
    sql: ${TABLE}.payout_status ;;
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

  measure: stated_amount {
    type: sum
    description: "Minor units by the platform's records."
    sql: ${TABLE}.stated_amount ;;
    required_fields: [currency]
  }

  measure: stated_amount_in_units {
    type: sum
    description: "Minor units by the platform's records. In whole units of the currency."
    sql: ${TABLE}.stated_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: stripe_amount {
    type: sum
    description: "Minor units by the object."
    sql: ${TABLE}.stripe_amount ;;
    required_fields: [currency]
  }

  measure: stripe_amount_in_units {
    type: sum
    description: "Minor units by the object. In whole units of the currency."
    sql: ${TABLE}.stripe_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: max_balance_amount {
    type: max
    description: "Minor units by its balance transactions, with sign."
    sql: ${TABLE}.balance_amount ;;
    required_fields: [currency]
  }

  measure: max_balance_amount_in_units {
    type: max
    description: "Minor units by its balance transactions, with sign. In whole units of the currency."
    sql: ${TABLE}.balance_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: difference {
    type: sum
    description: "Minor units by which the sides differ, the platform minus Stripe; 0 for what agrees."
    sql: ${TABLE}.difference ;;
    required_fields: [currency]
  }

  measure: difference_in_units {
    type: sum
    description: "Minor units by which the sides differ, the platform minus Stripe; 0 for what agrees. In whole units of the currency."
    sql: ${TABLE}.difference * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: statements {
    type: sum
    description: "Records that state it."
    sql: ${TABLE}.statements ;;
  }

  measure: max_balance_transactions {
    type: max
    description: "Its balance transactions."
    sql: ${TABLE}.balance_transactions ;;
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

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
