# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: escrow_arbiters {
  label: "Escrow arbiters"
  sql_table_name: marts.escrow_arbiters ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.arbiter as string), '')) ;;
  }

  dimension: arbiter {
    type: string
    description: "Address of an arbiter that the configuration lists, or unlisted: all others together."
    sql: ${TABLE}.arbiter ;;
  }

  dimension: is_listed {
    type: yesno
    description: "False for the row of all others."
    sql: ${TABLE}.is_listed ;;
  }

  dimension: is_outside_even {
    type: yesno
    description: "0.5 lies outside the interval: the rulings lean to one side; null without one-sided rulings."
    sql: ${TABLE}.is_outside_even ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: since {
    type: time
    description: "Start of the days that count."
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
    sql: ${TABLE}.since_time ;;
  }

  dimension_group: until {
    type: time
    description: "Their end, excluded."
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
    sql: ${TABLE}.until_time ;;
  }

  dimension_group: as_of {
    type: time
    description: "Block time of that slot."
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

  measure: resolved {
    type: sum
    description: "Escrows on whose dispute the arbiter's ruling holds."
    sql: ${TABLE}.resolved ;;
  }

  measure: for_payer {
    type: sum
    description: "Of resolved: in favour of who paid in."
    sql: ${TABLE}.for_payer ;;
  }

  measure: for_payee {
    type: sum
    description: "Of resolved: in favour of who was to be paid."
    sql: ${TABLE}.for_payee ;;
  }

  measure: split {
    type: sum
    description: "Of resolved: shared."
    sql: ${TABLE}.split ;;
  }

  measure: payer_share_numerator {
    type: sum
    description: "for_payer."
    sql: ${TABLE}.payer_share_numerator ;;
    hidden: yes
  }

  measure: payer_share_denominator {
    type: sum
    description: "for_payer + for_payee: one-sided rulings."
    sql: ${TABLE}.payer_share_denominator ;;
    hidden: yes
  }

  measure: payer_share_lower {
    type: sum
    description: "Lower bound of the share's 95 % Wilson score interval, six decimals; null without one-sided rulings."
    sql: ${TABLE}.payer_share_lower ;;
  }

  measure: payer_share_upper {
    type: sum
    description: "Upper bound, likewise."
    sql: ${TABLE}.payer_share_upper ;;
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: payer_share {
    type: number
    description: "Payer share: for_payer. Divided by: for_payer + for_payee: one-sided rulings."
    value_format_name: percent_2
    sql: cast(${payer_share_numerator} as numeric) / nullif(${payer_share_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
