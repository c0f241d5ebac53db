# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: users_daily {
  label: "Users daily"
  sql_table_name: marts.users_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.activity_date as string), '')) ;;
  }

  dimension: daily_active {
    type: number
    description: "Users with an action of their own in the audit log on the day; null where the log has no record of the day."
    sql: ${TABLE}.daily_active ;;
  }

  dimension: weekly_active {
    type: number
    description: "Distinct users active in the 7 days up to and with the day; null as daily_active."
    sql: ${TABLE}.weekly_active ;;
  }

  dimension: monthly_active {
    type: number
    description: "Distinct users active in the 30 days up to and with the day; null as daily_active."
    sql: ${TABLE}.monthly_active ;;
  }

  dimension: registered_users {
    type: number
    description: "Users whose document is there at the day's end; null as new_users."
    sql: ${TABLE}.registered_users ;;
  }

  dimension_group: activity {
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
    sql: ${TABLE}.activity_date ;;
  }

  dimension_group: as_of {
    type: time
    description: "Newest action or change of a document counted."
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

  measure: max_daily_active {
    type: max
    description: "Users with an action of their own in the audit log on the day; null where the log has no record of the day."
    sql: ${TABLE}.daily_active ;;
  }

  measure: max_weekly_active {
    type: max
    description: "Distinct users active in the 7 days up to and with the day; null as daily_active."
    sql: ${TABLE}.weekly_active ;;
  }

  measure: max_monthly_active {
    type: max
    description: "Distinct users active in the 30 days up to and with the day; null as daily_active."
    sql: ${TABLE}.monthly_active ;;
  }

  measure: mean_daily_active_numerator {
    type: sum
    description: "Sum of daily_active over the seven days before; divide by mean_daily_active_denominator. Null without such a day."
    sql: ${TABLE}.mean_daily_active_numerator ;;
    hidden: yes
  }

  measure: mean_daily_active_denominator {
    type: sum
    description: "Of the seven days before, those that the audit log tells of."
    sql: ${TABLE}.mean_daily_active_denominator ;;
    hidden: yes
  }

  measure: new_users {
    type: sum
    description: "Users whose document was first written on the day (imported ones: whose document says so); null where no document is known."
    sql: ${TABLE}.new_users ;;
  }

  measure: max_registered_users {
    type: max
    description: "Users whose document is there at the day's end; null as new_users."
    sql: ${TABLE}.registered_users ;;
  }

  measure: mean_rating_numerator {
    type: sum
    description: "Sum of the ratings given on the day; divide by mean_rating_denominator. Null where the platform keeps none."
    sql: ${TABLE}.mean_rating_numerator ;;
    hidden: yes
  }

  measure: mean_rating_denominator {
    type: sum
    description: "Ratings given on the day; null where the platform keeps none."
    sql: ${TABLE}.mean_rating_denominator ;;
    hidden: yes
  }

  measure: mean_daily_active {
    type: number
    description: "Mean daily active: Sum of daily_active over the seven days before; divide by mean_daily_active_denominator. Null without such a day. Divided by: Of the seven days before, those that the audit log tells of."
    value_format_name: decimal_2
    sql: cast(${mean_daily_active_numerator} as numeric) / nullif(${mean_daily_active_denominator}, 0) ;;
  }

  measure: mean_rating {
    type: number
    description: "Mean rating: Sum of the ratings given on the day; divide by mean_rating_denominator. Null where the platform keeps none. Divided by: Ratings given on the day; null where the platform keeps none."
    value_format_name: decimal_2
    sql: cast(${mean_rating_numerator} as numeric) / nullif(${mean_rating_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
