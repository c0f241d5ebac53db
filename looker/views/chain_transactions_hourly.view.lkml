# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: chain_transactions_hourly {
  label: "Chain transactions hourly"
  sql_table_name: marts.chain_transactions_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.transaction_date as string), ''), '|', coalesce(cast(${TABLE}.hour_start as string), ''), '|', coalesce(cast(${TABLE}.scope as string), ''), '|', coalesce(cast(${TABLE}.program_id as string), ''), '|', coalesce(cast(${TABLE}.instruction as string), '')) ;;
  }

  dimension: scope {
    type: string
    description: "all, program or instruction: the rows of one scope hold each transaction once; take one scope."
    sql: ${TABLE}.scope ;;
  }

  dimension: program_id {
    type: string
    description: "Program of the primary call, (all) in scope all; (none) for a transaction without any instruction."
    sql: ${TABLE}.program_id ;;
  }

  dimension: instruction {
    type: string
    description: "IDL name of the primary call, (all) in scopes all and program; (unknown) where no IDL names it."
    sql: ${TABLE}.instruction ;;
  }

  dimension: transactions_24h {
    type: number
    description: "Transactions of the 24 hours that end with this one."
    sql: ${TABLE}.transactions_24h ;;
  }

  dimension: failures_24h {
    type: number
    description: "Failures among them."
    sql: ${TABLE}.failures_24h ;;
  }

  dimension: fee_lamports_min {
    type: number
    description: "Least fee of a transaction in lamports."
    sql: ${TABLE}.fee_lamports_min ;;
  }

  dimension: fee_lamports_p50 {
    type: number
    description: "Median fee of a transaction in lamports, by nearest rank."
    sql: ${TABLE}.fee_lamports_p50 ;;
  }

  dimension: fee_lamports_p95 {
    type: number
    description: "95th percentile of the fee of a transaction in lamports."
    sql: ${TABLE}.fee_lamports_p95 ;;
  }

  dimension: fee_lamports_p99 {
    type: number
    description: "99th percentile of the fee of a transaction in lamports."
    sql: ${TABLE}.fee_lamports_p99 ;;
  }

  dimension: fee_lamports_max {
    type: number
    description: "Greatest fee of a transaction in lamports."
    sql: ${TABLE}.fee_lamports_max ;;
  }

  dimension: baseline_days {
    type: number
    description: "Days among those 30 that have transactions: how much the baseline rests on."
    sql: ${TABLE}.baseline_days ;;
  }

  dimension: compute_units_min {
    type: number
    description: "Least compute units of a transaction."
    sql: ${TABLE}.compute_units_min ;;
  }

  dimension: compute_units_p50 {
    type: number
    description: "Median compute units of a transaction, by nearest rank."
    sql: ${TABLE}.compute_units_p50 ;;
  }

  dimension: compute_units_p95 {
    type: number
    description: "95th percentile of the compute units of a transaction."
    sql: ${TABLE}.compute_units_p95 ;;
  }

  dimension: compute_units_p99 {
    type: number
    description: "99th percentile of the compute units of a transaction."
    sql: ${TABLE}.compute_units_p99 ;;
  }

  dimension: compute_units_max {
    type: number
    description: "Greatest compute units of a transaction."
    sql: ${TABLE}.compute_units_max ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: transaction {
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
    sql: ${TABLE}.transaction_date ;;
  }

  dimension_group: hour_start {
    type: time
    description: "Start of the hour."
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

  measure: transactions {
    type: sum
    description: "Transactions, failed ones too."
    sql: ${TABLE}.transactions ;;
  }

  measure: failures {
    type: sum
    description: "Transactions that the chain holds with an error."
    sql: ${TABLE}.failures ;;
  }

  measure: success_rate_numerator {
    type: sum
    description: "transactions - failures."
    sql: ${TABLE}.success_rate_numerator ;;
    hidden: yes
  }

  measure: success_rate_denominator {
    type: sum
    description: "transactions."
    sql: ${TABLE}.success_rate_denominator ;;
    hidden: yes
  }

  measure: max_transactions_24h {
    type: max
    description: "Transactions of the 24 hours that end with this one."
    sql: ${TABLE}.transactions_24h ;;
  }

  measure: max_failures_24h {
    type: max
    description: "Failures among them."
    sql: ${TABLE}.failures_24h ;;
  }

  measure: fee_lamports_total {
    type: sum
    description: "Fees in lamports, base and priority fee together."
    sql: ${TABLE}.fee_lamports_total ;;
  }

  measure: max_fee_lamports_min {
    type: max
    description: "Least fee of a transaction in lamports."
    sql: ${TABLE}.fee_lamports_min ;;
  }

  measure: max_fee_lamports_p50 {
    type: max
    description: "Median fee of a transaction in lamports, by nearest rank."
    sql: ${TABLE}.fee_lamports_p50 ;;
  }

  measure: max_fee_lamports_p95 {
    type: max
    description: "95th percentile of the fee of a transaction in lamports."
    sql: ${TABLE}.fee_lamports_p95 ;;
  }

  measure: max_fee_lamports_p99 {
    type: max
    description: "99th percentile of the fee of a transaction in lamports."
    sql: ${TABLE}.fee_lamports_p99 ;;
  }

  measure: max_fee_lamports_max {
    type: max
    description: "Greatest fee of a transaction in lamports."
    sql: ${TABLE}.fee_lamports_max ;;
  }

  measure: mean_fee_numerator {
    type: sum
    description: "fee_lamports_total; divide by mean_fee_denominator."
    sql: ${TABLE}.mean_fee_numerator ;;
    hidden: yes
  }

  measure: mean_fee_denominator {
    type: sum
    description: "Transactions with a fee: all that a provider answered in full."
    sql: ${TABLE}.mean_fee_denominator ;;
    hidden: yes
  }

  measure: baseline_fee_numerator {
    type: sum
    description: "Fees of the 30 UTC days before the day; null when nothing is held of them."
    sql: ${TABLE}.baseline_fee_numerator ;;
    hidden: yes
  }

  measure: baseline_fee_denominator {
    type: sum
    description: "Transactions of those days."
    sql: ${TABLE}.baseline_fee_denominator ;;
    hidden: yes
  }

  measure: max_baseline_days {
    type: max
    description: "Days among those 30 that have transactions: how much the baseline rests on."
    sql: ${TABLE}.baseline_days ;;
  }

  measure: compute_units_total {
    type: sum
    description: "Compute units consumed; null where no answer states them."
    sql: ${TABLE}.compute_units_total ;;
  }

  measure: max_compute_units_min {
    type: max
    description: "Least compute units of a transaction."
    sql: ${TABLE}.compute_units_min ;;
  }

  measure: max_compute_units_p50 {
    type: max
    description: "Median compute units of a transaction, by nearest rank."
    sql: ${TABLE}.compute_units_p50 ;;
  }

  measure: max_compute_units_p95 {
    type: max
    description: "95th percentile of the compute units of a transaction."
    sql: ${TABLE}.compute_units_p95 ;;
  }

  measure: max_compute_units_p99 {
    type: max
    description: "99th percentile of the compute units of a transaction."
    sql: ${TABLE}.compute_units_p99 ;;
  }

  measure: max_compute_units_max {
    type: max
    description: "Greatest compute units of a transaction."
    sql: ${TABLE}.compute_units_max ;;
  }

  measure: mean_compute_units_numerator {
    type: sum
    description: "compute_units_total; divide by mean_compute_units_denominator."
    sql: ${TABLE}.mean_compute_units_numerator ;;
    hidden: yes
  }

  measure: mean_compute_units_denominator {
    type: sum
    description: "Transactions whose answer states their compute units."
    sql: ${TABLE}.mean_compute_units_denominator ;;
    hidden: yes
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: success_rate {
    type: number
    description: "Success rate: transactions - failures. Divided by: transactions."
    value_format_name: percent_2
    sql: cast(${success_rate_numerator} as numeric) / nullif(${success_rate_denominator}, 0) ;;
  }

  measure: mean_fee {
    type: number
    description: "Mean fee: fee_lamports_total; divide by mean_fee_denominator. Divided by: Transactions with a fee: all that a provider answered in full."
    value_format_name: decimal_2
    sql: cast(${mean_fee_numerator} as numeric) / nullif(${mean_fee_denominator}, 0) ;;
  }

  measure: baseline_fee {
    type: number
    description: "Baseline fee: Fees of the 30 UTC days before the day; null when nothing is held of them. Divided by: Transactions of those days."
    value_format_name: decimal_2
    sql: cast(${baseline_fee_numerator} as numeric) / nullif(${baseline_fee_denominator}, 0) ;;
  }

  measure: mean_compute_units {
    type: number
    description: "Mean compute units: compute_units_total; divide by mean_compute_units_denominator. Divided by: Transactions whose answer states their compute units."
    value_format_name: decimal_2
    sql: cast(${mean_compute_units_numerator} as numeric) / nullif(${mean_compute_units_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
