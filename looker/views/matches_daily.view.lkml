# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: matches_daily {
  label: "Matches daily"
  sql_table_name: marts.matches_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.match_date as string), '')) ;;
  }

  dimension_group: match {
    type: time
    description: "UTC day; the partition."
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
    sql: ${TABLE}.match_date ;;
  }

  dimension_group: as_of {
    type: time
    description: "Newest change counted."
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
    description: "Matches created on the day."
    sql: ${TABLE}.created ;;
  }

  measure: paid {
    type: sum
    description: "Of these, paid ones."
    sql: ${TABLE}.paid ;;
  }

  measure: free {
    type: sum
    description: "Of these, free ones."
    sql: ${TABLE}.free ;;
  }

  measure: paid_share_numerator {
    type: sum
    description: "paid."
    sql: ${TABLE}.paid_share_numerator ;;
    hidden: yes
  }

  measure: paid_share_denominator {
    type: sum
    description: "created."
    sql: ${TABLE}.paid_share_denominator ;;
    hidden: yes
  }

  measure: completed {
    type: sum
    description: "Matches that ended on the day and are completed now."
    sql: ${TABLE}.completed ;;
  }

  measure: cancelled {
    type: sum
    description: "Matches that ended on the day and are cancelled now."
    sql: ${TABLE}.cancelled ;;
  }

  measure: completion_rate_numerator {
    type: sum
    description: "completed."
    sql: ${TABLE}.completion_rate_numerator ;;
    hidden: yes
  }

  measure: completion_rate_denominator {
    type: sum
    description: "completed + cancelled."
    sql: ${TABLE}.completion_rate_denominator ;;
    hidden: yes
  }

  measure: paid_share {
    type: number
    description: "Paid share: paid. Divided by: created."
    value_format_name: percent_2
    sql: cast(${paid_share_numerator} as numeric) / nullif(${paid_share_denominator}, 0) ;;
  }

  measure: completion_rate {
    type: number
    description: "Completion rate: completed. Divided by: completed + cancelled."
    value_format_name: percent_2
    sql: cast(${completion_rate_numerator} as numeric) / nullif(${completion_rate_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
