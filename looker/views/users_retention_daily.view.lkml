# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: users_retention_daily {
  label: "Users retention daily"
  sql_table_name: marts.users_retention_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.cohort_date as string), ''), '|', coalesce(cast(${TABLE}.day_number as string), '')) ;;
  }

  dimension: day_number {
    type: number
    description: "1, 7 or 30: so many days later."
    sql: ${TABLE}.day_number ;;
  }

  dimension: retained_users {
    type: number
    description: "Of these, those active on exactly that later day; null until that day is over."
    sql: ${TABLE}.retained_users ;;
  }

  dimension_group: cohort {
    type: time
    description: "UTC day on which the users were new; the partition."
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
    sql: ${TABLE}.cohort_date ;;
  }

  dimension_group: as_of {
    type: time
    description: "Newest change of a document or action counted."
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

  measure: cohort_size {
    type: sum
    description: "Users who were new on the day; divide retained_users by it."
    sql: ${TABLE}.cohort_size ;;
  }

  measure: max_retained_users {
    type: max
    description: "Of these, those active on exactly that later day; null until that day is over."
    sql: ${TABLE}.retained_users ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
