# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: escrow_lifecycle_hourly {
  label: "Escrow lifecycle hourly"
  sql_table_name: marts.escrow_lifecycle_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.hour_start as string), ''), '|', coalesce(cast(${TABLE}.mint as string), '')) ;;
  }

  dimension: mint {
    type: string
    description: "Mint of the escrow; unknown where no event of it names one."
    sql: ${TABLE}.mint ;;
  }

  dimension: symbol {
    type: string
    description: "Symbol of the mint, null where it isn't configured."
    sql: ${TABLE}.symbol ;;
  }

  dimension: decimals {
    type: number
    description: "Decimals of the mint, null where nothing tells them."
    sql: ${TABLE}.decimals ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: activity {
    type: time
    description: "UTC day of the block; the partition."
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

  dimension_group: hour_start {
    type: time
    description: "Start of the hour of the block."
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
    sql: ${TABLE}.hour_start ;;
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

  measure: created {
    type: sum
    description: "Escrows created."
    sql: ${TABLE}.created ;;
  }

  measure: funded {
    type: sum
    description: "Escrows that money came into for the first time (of this mint)."
    sql: ${TABLE}.funded ;;
  }

  measure: assigned {
    type: sum
    description: "Escrows first given to somebody who is to be paid; 0 on platforms that assign nobody."
    sql: ${TABLE}.assigned ;;
  }

  measure: completed {
    type: sum
    description: "Escrows completed: paid out as agreed, or as ruled."
    sql: ${TABLE}.completed ;;
  }

  measure: cancelled {
    type: sum
    description: "Escrows cancelled: what was paid in goes back."
    sql: ${TABLE}.cancelled ;;
  }

  measure: disputed {
    type: sum
    description: "Escrows first disputed."
    sql: ${TABLE}.disputed ;;
  }

  measure: resolved {
    type: sum
    description: "Escrows whose dispute was ruled on, by the ruling that holds."
    sql: ${TABLE}.resolved ;;
  }

  measure: resolved_for_payer {
    type: sum
    description: "Of resolved: in favour of who paid in."
    sql: ${TABLE}.resolved_for_payer ;;
  }

  measure: resolved_for_payee {
    type: sum
    description: "Of resolved: in favour of who was to be paid."
    sql: ${TABLE}.resolved_for_payee ;;
  }

  measure: resolved_split {
    type: sum
    description: "Of resolved: shared."
    sql: ${TABLE}.resolved_split ;;
  }

  measure: success_rate_numerator {
    type: sum
    description: "completed."
    sql: ${TABLE}.success_rate_numerator ;;
    hidden: yes
  }

  measure: success_rate_denominator {
    type: sum
    description: "completed + cancelled: escrows that ended."
    sql: ${TABLE}.success_rate_denominator ;;
    hidden: yes
  }

  measure: dispute_rate_numerator {
    type: sum
    description: "disputed."
    sql: ${TABLE}.dispute_rate_numerator ;;
    hidden: yes
  }

  measure: dispute_rate_denominator {
    type: sum
    description: "created; both of this bucket, so the rate can pass 1 and has no value without creations."
    sql: ${TABLE}.dispute_rate_denominator ;;
    hidden: yes
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: success_rate {
    type: number
    description: "Success rate: completed. Divided by: completed + cancelled: escrows that ended."
    value_format_name: percent_2
    sql: cast(${success_rate_numerator} as numeric) / nullif(${success_rate_denominator}, 0) ;;
  }

  measure: dispute_rate {
    type: number
    description: "Dispute rate: disputed. Divided by: created; both of this bucket, so the rate can pass 1 and has no value without creations."
    value_format_name: percent_2
    sql: cast(${dispute_rate_numerator} as numeric) / nullif(${dispute_rate_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
