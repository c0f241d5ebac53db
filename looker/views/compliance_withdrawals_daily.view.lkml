# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: compliance_withdrawals_daily {
  label: "Compliance withdrawals daily"
  sql_table_name: marts.compliance_withdrawals_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.activity_date as string), ''), '|', coalesce(cast(${TABLE}.mint as string), ''), '|', coalesce(cast(${TABLE}.kyc_tier as string), '')) ;;
  }

  dimension: mint {
    type: string
    description: "Mint."
    sql: ${TABLE}.mint ;;
  }

  dimension: symbol {
    type: string
    description: "Symbol of the mint, null where it isn't configured."
    sql: ${TABLE}.symbol ;;
  }

  dimension: decimals {
    type: number
    description: "Decimals of the mint."
    sql: ${TABLE}.decimals ;;
  }

  dimension: kyc_tier {
    type: string
    description: "KYC tier at the block's time: 0, 1, 2, 3, or unknown where no document names the wallet or states a tier."
    sql: ${TABLE}.kyc_tier ;;
  }

  dimension: users {
    type: number
    description: "Distinct users who withdrew."
    sql: ${TABLE}.users ;;
  }

  dimension: amount_is_suppressed {
    type: yesno
    description: "True where amount is left out for that reason."
    sql: ${TABLE}.amount_is_suppressed ;;
  }

  dimension: limit_per_user {
    type: number
    description: "Base units that a user of the tier may withdraw in a UTC day; null without a limit."
    sql: ${TABLE}.limit_per_user ;;
  }

  dimension: withdrawals_over_limit {
    type: number
    description: "Withdrawals that lie over the limit, wholly or with a part; null without a limit."
    sql: ${TABLE}.withdrawals_over_limit ;;
  }

  dimension: users_over_limit {
    type: number
    description: "Distinct users who went over it; null without a limit."
    sql: ${TABLE}.users_over_limit ;;
  }

  dimension: amount_over_limit {
    type: number
    description: "Base units over the limit; null without a limit, and where few users went over it."
    sql: ${TABLE}.amount_over_limit ;;
  }

  dimension: over_is_suppressed {
    type: yesno
    description: "True where amount_over_limit is left out because so few users went over it."
    sql: ${TABLE}.over_is_suppressed ;;
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

  measure: withdrawals {
    type: sum
    description: "Withdrawals."
    sql: ${TABLE}.withdrawals ;;
  }

  measure: max_users {
    type: max
    description: "Distinct users who withdrew."
    sql: ${TABLE}.users ;;
  }

  measure: amount {
    type: sum
    description: "Base units withdrawn; null where so few users did that it could tell of one (thresholds.minimum_group)."
    sql: ${TABLE}.amount ;;
    required_fields: [mint]
  }

  measure: amount_in_units {
    type: sum
    description: "Base units withdrawn; null where so few users did that it could tell of one (thresholds.minimum_group). In whole units of the mint."
    sql: ${TABLE}.amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_limit_per_user {
    type: max
    description: "Base units that a user of the tier may withdraw in a UTC day; null without a limit."
    sql: ${TABLE}.limit_per_user ;;
    required_fields: [mint]
  }

  measure: max_limit_per_user_in_units {
    type: max
    description: "Base units that a user of the tier may withdraw in a UTC day; null without a limit. In whole units of the mint."
    sql: ${TABLE}.limit_per_user * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_withdrawals_over_limit {
    type: max
    description: "Withdrawals that lie over the limit, wholly or with a part; null without a limit."
    sql: ${TABLE}.withdrawals_over_limit ;;
  }

  measure: max_users_over_limit {
    type: max
    description: "Distinct users who went over it; null without a limit."
    sql: ${TABLE}.users_over_limit ;;
  }

  measure: max_amount_over_limit {
    type: max
    description: "Base units over the limit; null without a limit, and where few users went over it."
    sql: ${TABLE}.amount_over_limit ;;
    required_fields: [mint]
  }

  measure: max_amount_over_limit_in_units {
    type: max
    description: "Base units over the limit; null without a limit, and where few users went over it. In whole units of the mint."
    sql: ${TABLE}.amount_over_limit * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
