# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: stripe_daily {
  label: "Stripe daily"
  sql_table_name: marts.stripe_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.activity_date as string), ''), '|', coalesce(cast(${TABLE}.currency as string), '')) ;;
  }

  dimension: currency {
    type: string
    description: "ISO code, lower case."
    sql: ${TABLE}.currency ;;
  }

  dimension: decimals {
    type: number
    description: "Decimals of the currency's minor unit: 0, 2 or 3."
    sql: ${TABLE}.decimals ;;
  }

  dimension: balance_change {
    type: number
    description: "Sum of net over every movement of the day, payouts too."
    sql: ${TABLE}.balance_change ;;
  }

  dimension_group: activity {
    type: time
    description: "UTC day of creation; the partition."
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
    sql: ${TABLE}.activity_date ;;
  }

  dimension_group: as_of {
    type: time
    description: "Newest creation counted."
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

  measure: gross {
    type: sum
    description: "Charges and payments."
    sql: ${TABLE}.gross ;;
    required_fields: [currency]
  }

  measure: gross_in_units {
    type: sum
    description: "Charges and payments. In whole units of the currency."
    sql: ${TABLE}.gross * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: refunds {
    type: sum
    description: "Refunds, positive."
    sql: ${TABLE}.refunds ;;
    required_fields: [currency]
  }

  measure: refunds_in_units {
    type: sum
    description: "Refunds, positive. In whole units of the currency."
    sql: ${TABLE}.refunds * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: dispute_amount {
    type: sum
    description: "Withdrawn for disputes, positive."
    sql: ${TABLE}.dispute_amount ;;
    required_fields: [currency]
  }

  measure: dispute_amount_in_units {
    type: sum
    description: "Withdrawn for disputes, positive. In whole units of the currency."
    sql: ${TABLE}.dispute_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: dispute_reversed {
    type: sum
    description: "Given back for disputes, positive."
    sql: ${TABLE}.dispute_reversed ;;
    required_fields: [currency]
  }

  measure: dispute_reversed_in_units {
    type: sum
    description: "Given back for disputes, positive. In whole units of the currency."
    sql: ${TABLE}.dispute_reversed * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: fees {
    type: sum
    description: "Fees, positive; fees given back are negative."
    sql: ${TABLE}.fees ;;
    required_fields: [currency]
  }

  measure: fees_in_units {
    type: sum
    description: "Fees, positive; fees given back are negative. In whole units of the currency."
    sql: ${TABLE}.fees * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: other {
    type: sum
    description: "Everything else that isn't a payout, signed as Stripe does."
    sql: ${TABLE}.other ;;
    required_fields: [currency]
  }

  measure: other_in_units {
    type: sum
    description: "Everything else that isn't a payout, signed as Stripe does. In whole units of the currency."
    sql: ${TABLE}.other * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: net {
    type: sum
    description: "Change of the balance before payouts: gross - refunds - dispute_amount + dispute_reversed - fees + other."
    sql: ${TABLE}.net ;;
    required_fields: [currency]
  }

  measure: net_in_units {
    type: sum
    description: "Change of the balance before payouts: gross - refunds - dispute_amount + dispute_reversed - fees + other. In whole units of the currency."
    sql: ${TABLE}.net * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: payouts {
    type: sum
    description: "Sent to the bank, positive."
    sql: ${TABLE}.payouts ;;
    required_fields: [currency]
  }

  measure: payouts_in_units {
    type: sum
    description: "Sent to the bank, positive. In whole units of the currency."
    sql: ${TABLE}.payouts * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: payouts_returned {
    type: sum
    description: "Payouts that came back, positive."
    sql: ${TABLE}.payouts_returned ;;
    required_fields: [currency]
  }

  measure: payouts_returned_in_units {
    type: sum
    description: "Payouts that came back, positive. In whole units of the currency."
    sql: ${TABLE}.payouts_returned * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: max_balance_change {
    type: max
    description: "Sum of net over every movement of the day, payouts too."
    sql: ${TABLE}.balance_change ;;
    required_fields: [currency]
  }

  measure: max_balance_change_in_units {
    type: max
    description: "Sum of net over every movement of the day, payouts too. In whole units of the currency."
    sql: ${TABLE}.balance_change * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [currency]
  }

  measure: charges_succeeded {
    type: sum
    description: "Charges created on the day that succeeded."
    sql: ${TABLE}.charges_succeeded ;;
  }

  measure: failed_payments {
    type: sum
    description: "Charges created on the day that failed."
    sql: ${TABLE}.failed_payments ;;
  }

  measure: disputes_opened {
    type: sum
    description: "Disputes opened on the day, inquiries not counted."
    sql: ${TABLE}.disputes_opened ;;
  }

  measure: disputes_won {
    type: sum
    description: "Of these, won by now."
    sql: ${TABLE}.disputes_won ;;
  }

  measure: disputes_lost {
    type: sum
    description: "Of these, lost by now."
    sql: ${TABLE}.disputes_lost ;;
  }

  measure: inquiries_opened {
    type: sum
    description: "Inquiries (warning_...) opened on the day."
    sql: ${TABLE}.inquiries_opened ;;
  }

  measure: dispute_rate_numerator {
    type: sum
    description: "disputes_opened."
    sql: ${TABLE}.dispute_rate_numerator ;;
    hidden: yes
  }

  measure: dispute_rate_denominator {
    type: sum
    description: "charges_succeeded."
    sql: ${TABLE}.dispute_rate_denominator ;;
    hidden: yes
  }

  measure: failure_rate_numerator {
    type: sum
    description: "failed_payments."
    sql: ${TABLE}.failure_rate_numerator ;;
    hidden: yes
  }

  measure: failure_rate_denominator {
    type: sum
    description: "charges_succeeded + failed_payments."
    sql: ${TABLE}.failure_rate_denominator ;;
    hidden: yes
  }

  measure: dispute_rate {
    type: number
    description: "Dispute rate: disputes_opened. Divided by: charges_succeeded."
    value_format_name: percent_2
    sql: cast(${dispute_rate_numerator} as numeric) / nullif(${dispute_rate_denominator}, 0) ;;
  }

  measure: failure_rate {
    type: number
    description: "Failure rate: failed_payments. Divided by: charges_succeeded + failed_payments."
    value_format_name: percent_2
    sql: cast(${failure_rate_numerator} as numeric) / nullif(${failure_rate_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
