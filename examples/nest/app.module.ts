/** The application: its modules, and the bus between them. */
import { randomUUID } from 'node:crypto'
import { Global, Module, type DynamicModule } from '@nestjs/common'
import type { BusSignalListener } from '../../src/index.ts'
import { PostbusModule } from '../../src/nest/index.ts'
import { Database } from './database.ts'
import { LettersModule } from './letters.ts'
import { OrdersModule } from './orders.ts'
import { StockModule } from './stock.ts'

export interface AppOptions {
  readonly connectionString: string
  /** Whether this process also runs handlers. */
  readonly worker: boolean
  /** By default the bus prints its signals. */
  readonly onSignal?: BusSignalListener
}

@Module({})
export class AppModule {
  static with({ connectionString, worker, onSignal }: AppOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        DatabaseModule.with(connectionString),
        PostbusModule.forRootAsync({
          inject: [Database],
          useFactory: (database: Database) => ({
            connectionString,
            worker,
            onSignal,
            source: 'shop',
            transaction: (work) => database.transaction().execute(work),
            context: ({ headers }) => ({ correlationId: String(headers['x-request-id'] ?? randomUUID()) }),
          }),
        }),
        OrdersModule,
        StockModule,
        LettersModule,
      ],
    }
  }
}

@Global()
@Module({})
class DatabaseModule {
  static with(connectionString: string): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [{ provide: Database, useFactory: () => new Database(connectionString) }],
      exports: [Database],
    }
  }
}
