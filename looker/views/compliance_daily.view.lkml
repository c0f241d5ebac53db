# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: compliance_daily {
  label: "Compliance daily"
  sql_table_name: marts.compliance_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.state_date as string), ''), '|', coalesce(cast(${TABLE}.kyc_tier as string), '')) ;;
  }

  dimension: kyc_tier {
    type: string
    description: "KYC tier at the day's end: 0, 1, 2, 3, or unknown where the document states none."
    sql: ${TABLE}.kyc_tier ;;
  }

  dimension: users {
    type: number
    description: "Users in the tier at the day's end."
    sql: ${TABLE}.users ;;
  }

  dimension: frozen_users {
    type: number
    description: "Of these, frozen ones."
    sql: ${TABLE}.frozen_users ;;
  }

  dimension_group: state {
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
    sql: ${TABLE}.state_date ;;
  }

  dimension_group: as_of {
    type: time
    description: "Newest change of a document counted; the epoch where all are imports."
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

  measure: max_users {
    type: max
    description: "Users in the tier at the day's end."
    sql: ${TABLE}.users ;;
  }

  measure: max_frozen_users {
    type: max
    description: "Of these, frozen ones."
    sql: ${TABLE}.frozen_users ;;
  }

  measure: newly_frozen_users {
    type: sum
    description: "Users whom a change of the day froze, whether or not they still are at its end."
    sql: ${TABLE}.newly_frozen_users ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
